package notary

import (
	"errors"
	"fmt"

	"konklave/audit/signer"
	"konklave/audit/signing"
)

// What is to be done about an alarm.
const (
	doKeep = "Keep a copy of the database and of the signer's directory before anything else, and find out who could write to the database."
	doNew  = "If you have restored a backup, stop the server and begin a new log with `konklave audit new-log`; the old one stays verifiable up to its last checkpoint."
)

// Explain says in plain words why the log is not signed and what to do, and whether that is a reason for alarm: what passes by
// itself is none. A nil error has no text.
func Explain(err error) (text string, alarming bool) {
	var refused *signer.InconsistentError
	switch {
	case err == nil:
		return "", false
	case errors.As(err, &refused) && errors.Is(err, signer.ErrRollback):
		return fmt.Sprintf("The audit log was put back: it has %d entries, but %d were signed already. The signer refuses to sign it. %s If you have not: %s",
			refused.Asked.Size, refused.Last.Size, doNew, doKeep), true
	case errors.As(err, &refused):
		return fmt.Sprintf("The audit log is another one than the one that was signed: what the signer signed with %d entries is not what the log begins with now. "+
			"Entries were changed, or the database was put back and has gone on since. The signer refuses to sign it. %s If you have not: %s",
			refused.Last.Size, doNew, doKeep), true
	case errors.Is(err, ErrElsewhere):
		return fmt.Sprintf("Another machine signs the audit log of this database, so the signer of this one does not (%v). "+
			"Copy audit.keys from the data directory of that machine into this one's, so that the log can be exported here too. "+
			"If no other machine is meant to use this database, find out who does.", err), false
	case errors.Is(err, ErrAnotherLog):
		return "The audit log is not signed, because the signer has another key than before: its directory was lost or replaced, the database comes from elsewhere, " +
			"or the machine that signs the log has been away for more than " + LeaseTime.String() + ". " +
			"Bring the signer's directory back as it was, unless it is older than the last checkpoint. " + doNew + " If neither is so: " + doKeep, true
	case errors.Is(err, signing.ErrState):
		return "The audit log is not signed, because the signer cannot read or write what it signed last. Look into its log; mostly the disk is full.", true
	case errors.Is(err, signing.ErrUnavailable):
		return "The audit log is not signed, because the signer does not answer. Look into its log; with systemd: systemctl status konklave-signer.", true
	}
	return "The audit log could not be signed. The log of the controller says why.", false
}
