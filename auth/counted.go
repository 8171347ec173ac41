package auth

// CountedAs are the keys under which failed proofs of a person are counted: of the address, and of the names that providers know.
func CountedAs(email string, links ...Link) []string {
	accounts := []string{accountKey("", email)}
	for _, l := range links {
		accounts = append(accounts, subjectKey(l.Provider, l.Subject))
		if l.Login != "" {
			accounts = append(accounts, l.Login)
		}
	}
	return accounts
}
