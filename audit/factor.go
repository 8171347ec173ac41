package audit

// SessionProved says that the owner of a session proved once more who it is.
func SessionProved(o Origin, sessionID string) Entry {
	return newEntry(o, KindSessionProved, OutcomeSuccess, "session", sessionID, nothing{})
}

type factorDetails struct {
	Kind string `json:"kind"`
}

// FactorAdded says that an account has a new second factor, of which kind.
func FactorAdded(o Origin, factorID, kind string) Entry {
	return newEntry(o, KindFactorAdded, OutcomeSuccess, "factor", factorID, factorDetails{Kind: kind})
}

// FactorRemoved says that a second factor was removed by its owner.
func FactorRemoved(o Origin, factorID string) Entry {
	return newEntry(o, KindFactorRemoved, OutcomeSuccess, "factor", factorID, nothing{})
}

type factorsDetails struct {
	Factors int `json:"factors"`
}

// FactorsReset says that all second factors of an account were removed for somebody who has lost them, and how many.
func FactorsReset(o Origin, userID string, factors int) Entry {
	return newEntry(o, KindFactorsReset, OutcomeSuccess, "user", userID, factorsDetails{Factors: factors})
}

type codesDetails struct {
	Codes int `json:"codes"`
}

// RecoveryCodesMade says that an account has new recovery codes in place of earlier ones, and how many.
func RecoveryCodesMade(o Origin, userID string, codes int) Entry {
	return newEntry(o, KindRecoveryCodesMade, OutcomeSuccess, "user", userID, codesDetails{Codes: codes})
}
