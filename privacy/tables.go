// Package privacy says what is stored about people, why, and for how long: one row for each table of the database. It is the record
// that a controller of personal data keeps (GDPR, Article 30), and a test holds it against the schema.
package privacy

import (
	"fmt"
	"strings"
)

// Table is one table of the database.
type Table struct {
	Name    string
	Holds   string // what is in it
	About   string // whom that tells about; empty when nobody
	Purpose string
	Kept    string // how long, or until when
	Given   string // the part of an export of one's own data that has it; empty when none has
	Without string // why no part has it, or what is left out
}

const (
	account  = "account"
	guests   = "account or guest"
	accounts = "as long as the account"
)

// Tables returns every table.
func Tables() []Table {
	return []Table{
		// accounts, and how they are proved
		{"users", "name, e-mail address, language, roles, hash of the password, when it was made and disabled", account, "to know who may do what", accounts, "profile", "the hash of the password"},
		{"setup_tokens", "hash of the set-up link", "", "to set up the first administrator", "until the set-up is complete", "", ""},
		{"sessions", "hash of the cookie, what the browser calls itself, shortened network, times", account, "to stay signed in, and to show people where they are", "until the session ends, at most `sessions.lifetime` (7 days)", "sessions", "the hash of the cookie"},
		{"devices", "hash of the cookie of a known browser", account, "so that nobody else's failures lock out the owner, and a new browser is noticed", "180 days after the last sign-in there", "browsers", "the hash of the cookie"},
		{"sign_in_failures", "hash of the address that was given, network, time", account, "to limit guessing", "75 minutes", "", "they lie under a hash of what was typed, whoever typed it; the entries of the log about them are given"},
		{"mails", "which mail waits to be sent to whom, and since when; neither the address nor the text", account, "to tell the owner of an account that it is locked", "until it is sent, at most 70 minutes", "", "it is about to be sent to the person; the entry of the log about it is given"},
		{"lock_mails", "hash of the address that was given, time", account, "so that a locked account does not cause a mail each time", "about an hour", "", "they lie under a hash of what was typed, whoever typed it"},
		{"unlock_links", "hash of a link in a mail, whose account it is", account, "so that the owner ends a lock", "until it is used, at most about an hour", "", "they are hashes of secrets that the person was sent"},
		{"api_tokens", "hash of the token, name, times", account, "to let programs act for a person", "until it is revoked", "tokens", "the hash of the token"},
		{"factors", "kind, name, public key of a passkey, sealed secret of an app, times", account, "second factors", "until it is removed", "factors", "keys and secrets"},
		{"recovery_codes", "hashes of recovery codes", account, "to get in without the other factors", "until they are used or made anew", "recoveryCodes", "the hashes; how many are left is given"},
		{"used_challenges", "hashes of what was answered once", "", "so that no answer counts twice", "five minutes", "", ""},
		{"identities", "which provider calls the account what, sealed what it asks with, times", account, "to sign in by an identity provider", accounts, "identities", "tokens, and the names of sessions there"},
		{"provider_sessions", "which session at an identity provider a session here came from, sealed what ends it there", account, "to sign out there and here together", "until the session ends", "sessions", "what ends it there, which is a secret"},
		{"shown_once", "ids of answers of identity providers", "", "so that no answer counts twice", "until the answer has expired", "", ""},

		{"scim_users", "what an identity management system said of an account: its identifier, user name, e-mail address, names", account, "to keep accounts as the organisation has them", "until it is removed there; then the identifier alone, as long as the account", "provisioned", ""},
		{"scim_groups", "names and identifiers of groups", "", "to give roles by the groups of the organisation", "until it is removed there", "", ""},
		{"scim_members", "which account is in which group", account, "to give roles by the groups of the organisation", "until it is removed there", "groups", "other members"},
		{"scim_changes", "a number", "", "to tell versions apart", "as long as the installation", "", ""},
		{"machines", "name, scopes, networks, times of a program", "", "to let programs act for the organisation", "until it is removed", "", ""},
		{"machine_secrets", "hashes of secrets of programs", "", "to prove which program it is", "until it is removed or has expired", "", ""},
		{"access_tokens", "hashes of what programs got for their secrets", "", "to let programs act for a short time", "until it has expired, at most an hour", "", ""},

		// meetings and conferences
		{"meetings", "title, link, owner, times", account, "to plan meetings", "a deleted one keeps its row, so that its link is never given out again", "meetings", ""},
		{"conferences", "which meeting, when", "", "to run conferences", "this version does not remove it", "", ""},
		{"conference_keys", "the wrapped key of each conference", "", "to read what the conference left; without it nobody can", "this version does not remove it", "", ""},
		{"journal_events", "what happened in a conference, chat included, sealed with its key", guests, "to go on after a failure", "this version does not remove it", "conferences", "what others did; conferences of which the log no longer tells that the person came"},
		{"journal_snapshots", "the newest state of a conference, sealed with its key", guests, "to go on quickly after a failure", "this version does not remove it", "", "it says what the events say"},
		{"journal_batches", "numbers and digests of what a conference wrote", "", "to recognise what comes twice", "this version does not remove it", "", ""},
		{"tickets", "hash of the ticket, name, account or guest, conference", guests, "to let somebody into one conference once", "eleven minutes", "tickets", "the hash of the ticket"},
		{"admissions", "which sign-in opened which session of a conference, and from which address it is used by whoever holds a role that has networks", account, "so that who is signed out, or comes from elsewhere, is out of conferences too", "until the session in the conference ends", "admissions", "the hash that names the session"},

		// security
		{"audit_log", "what was done by whom; what is personal is sealed for each person and month", guests, "to prove what was done", "as [audit.md](audit.md) says", "log", "what is about others, and who searched the log for the person: it would warn who is looked at"},
		{"audit_keys", "the wrapped keys of what is personal in the log", guests, "to read it; destroying one destroys it", "until the person is [erased](erasure.md)", "", "they are secrets"},
		{"erasures", "hashes of the random ids of people who were erased, and when", account, "to erase them again in a backup that is restored", "as long as the installation", "", "whoever asks has not been erased"},
		{"audit_waiting", "numbers of entries without a place", "", "to put entries in order", "about a second", "", ""},
		{"audit_places", "the order of the log", "", "to prove that nothing was removed", "for ever", "", ""},
		{"audit_hashes", "the hashes of the tree", "", "to prove that nothing was changed", "for ever", "", ""},
		{"audit_checkpoints", "signed checkpoints", "", "to prove that nothing was changed", "all for a day, one an hour for 31 days, one a day for ever", "", ""},
		{"audit_entries", "entries that an earlier version wrote in clear", guests, "to be sealed", "until the first start of this version", "", "it is gone before anybody can sign in"},
		{"findings", "what was noticed: account, networks, sessions, ids of entries; a note", account, "to find attacks", "180 days", "findings", "evidence, notes and who looks into it: they are about others too, and would warn who is looked at"},
		{"habits", "from which countries an account is signed in to; of administrators also shortened networks and hours of the day", account, "to find what is unusual", "180 days after the last time", "habits", ""},
		{"approvals", "who asked whom for which act with what reason, and how it was decided", account, "so that a second person agrees", "30 days after it was closed", "approvals", "what others wrote, and what was to be done to the accounts of others"},
		{"retired_secrets", "hashes of sessions, tokens (those of programs too) and marks of browsers that have ended", account, "to find copies of them", "30 days", "retired", "the hashes"},

		// the installation
		{"leases", "which process does what only one may do", "", "so that controllers take turns", "until the next one takes it", "", ""},
		{"instance_settings", "named texts: the public half of the recovery key, names", "", "to run the installation", "as long as the installation", "", ""},
	}
}

const head = `# What is stored about people

For data protection officers and administrators: every table of the database, whom it tells about, why it is there and how long. A test of the program holds this page against the database, so that no table is missing. Backups hold the same, encrypted, as long as they are kept ([backup.md](backup.md)).

Beside the database there are the log of the program, in which secrets are masked, and what a conference holds in memory while it runs: pictures and sound are never stored. Nothing is sent to anybody else, except to what the configuration names: identity providers, witnesses, and the [mail](mail.md) server.

Everybody can download what is stored about the own account, in the profile: one JSON file, with the parts that the last column names. It takes the newest %d rows of each table, %d entries out of the newest %d of the log, and %d of what the person did in the last %d conferences; its last member, ` + "`complete`" + `, is false where one of these bounds was met, reading took longer than %v, or something could not be read. What is left out of it, and why, is said here. Guests have no account, and nothing that proves which rows are theirs.

| table | holds | about | why | how long | in one's own export |
| --- | --- | --- | --- | --- | --- |
`

// Page is the page for data protection officers, in Markdown.
func Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, head, MaxRows, MaxEntries, LogScanned, MaxEvents, MaxConferences, ReadingTime)
	for _, t := range Tables() {
		about := t.About
		if about == "" {
			about = "nobody"
		}
		b.WriteString("| `" + t.Name + "` | " + t.Holds + " | " + about + " | " + t.Purpose + " | " + t.Kept + " | " + t.given() + " |\n")
	}
	return b.String() + erasurePage()
}

// given says what of the table is in an export of one's own data.
func (t Table) given() string {
	switch {
	case t.Given == "" && t.Without == "":
		return "about nobody"
	case t.Given == "":
		return "no: " + t.Without
	case t.Without == "":
		return "`" + t.Given + "`"
	}
	return "`" + t.Given + "`, without " + t.Without
}
