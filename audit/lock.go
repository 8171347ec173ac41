package audit

type failuresDetails struct {
	Failures int `json:"failures"`
}

// UserUnlocked says that somebody ended the locks of an account before their time, and how many failed proofs were forgotten.
func UserUnlocked(o Origin, userID string, failures int) Entry {
	return newEntry(o, KindUserUnlocked, OutcomeSuccess, "user", userID, failuresDetails{Failures: failures})
}
