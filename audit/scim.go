package audit

// UserProvisioned says that an account is kept by the provisioning system from now on, and signed in to at the identity provider.
func UserProvisioned(o Origin, userID, provider string) Entry {
	return newEntry(o, KindUserProvisioned, OutcomeSuccess, "user", userID, providerDetails{Provider: provider})
}

type removedDetails struct {
	Provider      string `json:"provider"`
	SessionsEnded int    `json:"sessionsEnded"`
}

// UserRemoved says that the provisioning system deleted somebody: the account is disabled, and what was said of the person is
// forgotten.
func UserRemoved(o Origin, userID, provider string, sessionsEnded int) Entry {
	return newEntry(o, KindUserRemoved, OutcomeSuccess, "user", userID, removedDetails{Provider: provider, SessionsEnded: sessionsEnded})
}

type membersDetails struct {
	Members int `json:"members"`
}

// GroupCreated says that a group was added with so many members.
func GroupCreated(o Origin, groupID string, members int) Entry {
	return newEntry(o, KindGroupCreated, OutcomeSuccess, "group", groupID, membersDetails{Members: members})
}

type groupDetails struct {
	Added   int      `json:"added"`
	Fields  []string `json:"fields"`
	Removed int      `json:"removed"`
}

// GroupChanged says which fields of a group were changed, and how many members came and went. Who of them has other roles for it
// has an entry of his own.
func GroupChanged(o Origin, groupID string, fields []string, added, removed int) Entry {
	return newEntry(o, KindGroupChanged, OutcomeSuccess, "group", groupID, groupDetails{Added: added, Fields: fields, Removed: removed})
}

// GroupDeleted says that a group was removed, and how many members it had.
func GroupDeleted(o Origin, groupID string, members int) Entry {
	return newEntry(o, KindGroupDeleted, OutcomeSuccess, "group", groupID, membersDetails{Members: members})
}
