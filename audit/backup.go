package audit

import "time"

type backupDetails struct {
	Bytes int64 `json:"bytes"`
}

// BackupMade says that a backup was written to a file of this name, and its size in bytes.
func BackupMade(o Origin, name string, bytes int64) Entry {
	return newEntry(o, KindBackupMade, OutcomeSuccess, "backup", name, backupDetails{Bytes: bytes})
}

// BackupFailed says that a backup could not be made, with the code of the fault. Of failures in a row the first leaves an
// entry.
func BackupFailed(o Origin, code string) Entry {
	return newEntry(o, KindBackupMade, OutcomeFailure, "backup", "", reasonDetails{Reason: code})
}

type restoreDetails struct {
	CreatedAt string `json:"createdAt"`
}

// BackupRestored says that everything up to here comes from a backup of the time given.
func BackupRestored(o Origin, createdAt time.Time) Entry {
	return newEntry(o, KindBackupRestored, OutcomeSuccess, "backup", "", restoreDetails{CreatedAt: instant(createdAt)})
}
