package auth

// CountedAs are the names under which failed proofs of a person are counted: the address, and those that providers know.
func CountedAs(email string, links ...Link) []string {
	accounts := []string{accountKey("", email)}
	for _, l := range links {
		accounts = append(accounts, subjectKey(l.Provider, l.Subject))
		if l.Login != "" {
			accounts = append(accounts, loginKey(l.Provider, l.Login))
		}
	}
	return accounts
}
