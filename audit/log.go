package audit

type logDetails struct {
	Before        string `json:"before"`
	BeforeEntries int64  `json:"beforeEntries"`
}

// LogBegun says that from here on the entries are signed as a log of another name, because an operator asked for it, and how the
// log before it was called and how many entries its last checkpoint has.
func LogBegun(o Origin, name, before string, entries int64) Entry {
	return newEntry(o, KindLogBegun, OutcomeSuccess, "log", name, logDetails{Before: before, BeforeEntries: entries})
}

type witnessDetails struct {
	Entries int64 `json:"entries"`
}

// LogWitnessed says that a witness has cosigned a checkpoint of the log with so many entries; of a day, the first.
func LogWitnessed(o Origin, witness string, entries int64) Entry {
	return newEntry(o, KindLogWitnessed, OutcomeSuccess, "witness", witness, witnessDetails{Entries: entries})
}
