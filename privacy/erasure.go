package privacy

import "strings"

// Erasure is what becomes of a table when a person is erased (GDPR, Article 17).
type Erasure struct {
	Name string
	Then string // what happens to the rows of the person
}

const removed = "removed"

// Erasures returns what becomes of each table that is about people.
func Erasures() []Erasure {
	return []Erasure{
		{"users", "stays without name, address, password and roles, as “Erased account”, disabled for ever"},
		{"sessions", "removed; the person is out of running conferences within a second"},
		{"devices", removed},
		{"sign_in_failures", removed},
		{"api_tokens", removed},
		{"factors", removed},
		{"recovery_codes", removed},
		{"identities", removed + "; somebody whom the provider still lets in comes back as a new person"},
		{"provider_sessions", removed},
		{"scim_users", removed},
		{"scim_members", removed},
		{"meetings", "stay under the account without a name; a title stays as it was written"},
		{"journal_events", "stay, sealed: what the person said in the chat and voted belongs to the conference and to the others in it; it is read only to go on with the same conference after a failure"},
		{"journal_snapshots", "as those of `journal_events`"},
		{"tickets", "the name is removed; the rest goes within eleven minutes"},
		{"admissions", "go when the session in the conference has ended, which is within a second"},
		{"audit_log", "stays, and its proofs hold; what is personal of the person cannot be read any more by anybody, since the keys are destroyed. What other people's entries say of the person is sealed for the others alone, and stays"},
		{"audit_keys", "those of the person are destroyed, and no new one is kept"},
		{"audit_entries", "sealed before the program serves anybody, then as `audit_log`"},
		{"erasures", "a row is added"},
		{"findings", "those about the account are removed; those of others that the person has handled stay, with the note, under the account without a name"},
		{"habits", removed},
		{"approvals", "what was asked for about the person, or by the person and not done yet, is removed; what the person asked for others or decided stays for its 30 days, with the reason, under the account without a name"},
		{"retired_secrets", removed},
		{"mails", removed + "; what is being sent at that moment may still arrive"},
		{"lock_mails", removed},
		{"unlock_links", removed},
	}
}

const erasureHead = `
## When a person is erased

[Erasing a person](erasure.md) says how. A test of the program erases somebody who has a row in each of these tables, on both databases, and looks for what is left.

| table | what becomes of it |
| --- | --- |
`

func erasurePage() string {
	var b strings.Builder
	b.WriteString(erasureHead)
	for _, e := range Erasures() {
		b.WriteString("| `" + e.Name + "` | " + e.Then + " |\n")
	}
	return b.String()
}
