package audit

type mailDetails struct {
	Mail string `json:"mail"`
}

// MailSent says that the mail server has taken a mail to the owner of an account; about says what it was about.
func MailSent(o Origin, userID, about string) Entry {
	return newEntry(o, KindMailSent, OutcomeSuccess, "user", userID, mailDetails{Mail: about})
}
