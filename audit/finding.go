package audit

type findingDetails struct {
	Finding string `json:"finding"`
	State   string `json:"state"`
}

// FindingHandled says that somebody has taken up, closed or opened again what was noticed, and of which kind that is.
func FindingHandled(o Origin, findingID, kind, state string) Entry {
	return newEntry(o, KindFindingHandled, OutcomeSuccess, "finding", findingID, findingDetails{Finding: kind, State: state})
}

// ProfileExported says that somebody was given what is stored about him or her.
func ProfileExported(o Origin, userID string) Entry {
	return newEntry(o, KindProfileExported, OutcomeSuccess, "user", userID, nothing{})
}
