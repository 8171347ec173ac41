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

type exportDetails struct {
	End   int64 `json:"end"`
	Start int64 `json:"start"`
}

type readDetails struct {
	Before int64  `json:"before"`
	What   string `json:"what"`
}

// LogRead says that somebody reads something of a log, such as its checkpoints; of a day, the first time. Before is how often the
// same was read since the last such entry.
func LogRead(o Origin, name, what string, before int64) Entry {
	return newEntry(o, KindLogRead, OutcomeSuccess, "log", name, readDetails{Before: before, What: what})
}

// LogExported says that somebody was given the entries of a log from start on, up to end and without it.
func LogExported(o Origin, name string, start, end int64) Entry {
	return newEntry(o, KindLogExported, OutcomeSuccess, "log", name, exportDetails{End: end, Start: start})
}

type retentionDetails struct {
	After  string `json:"after"`
	Before string `json:"before"`
}

// RetentionChanged says for how many days each category of entries was kept, and is from now on.
func RetentionChanged(o Origin, before, after string) Entry {
	return newEntry(o, KindRetentionChanged, OutcomeSuccess, "log", "", retentionDetails{After: after, Before: before})
}
