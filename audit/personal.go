package audit

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
)

// Category is what retention is decided by; every kind has one.
type Category string

// The categories.
const (
	CategorySecurity       Category = "security"       // who proved what to whom, and keys
	CategoryAdministration Category = "administration" // accounts, backups
	CategoryConference     Category = "conference"     // meetings, and what happens in them
	CategoryLog            Category = "log"            // the log about itself; never pruned
)

// Categories returns all categories.
func Categories() []Category {
	return []Category{CategorySecurity, CategoryAdministration, CategoryConference, CategoryLog}
}

// whose says which person something in an entry tells about.
type whose int

const (
	nobodys    whose = iota // tells about no person and stays in clear
	actors                  // about who did it, or about nobody known when the actor is anonymous
	theObjects              // about the person that the object is, or about nobody known when there is none
)

// about is what the entries of a kind tell about persons.
type about struct {
	category Category
	object   whose            // whose the id of the object is
	details  map[string]whose // each member of the details; one that is missing here is sealed for the actor
}

// personal is the table of what is personal. Besides it, in every kind: who acted is personal when the actor is a guest, an
// account or a token, and nothing else is personal in the tenant, the outcome, the reporting conference and the time.
// A machine is nobody. A session, a token, a second factor, a message or a place in a conference belongs to a person as much as an account does; a meeting, a
// conference, a backup, the public half of a key, a log or a witness does not.
var personal = map[Kind]about{
	//                       category               object      details
	KindSetupCompleted:      {CategoryAdministration, theObjects, map[string]whose{"roles": nobodys}},
	KindRecoveryKeyMade:     {CategorySecurity, nobodys, nil},
	KindBackupMade:          {CategoryAdministration, nobodys, map[string]whose{"bytes": nobodys, "reason": nobodys}},
	KindBackupRestored:      {CategoryAdministration, nobodys, map[string]whose{"createdAt": nobodys}},
	KindUserCreated:         {CategoryAdministration, theObjects, map[string]whose{"roles": nobodys}},
	KindUserDisabled:        {CategorySecurity, theObjects, map[string]whose{"sessionsEnded": nobodys}},
	KindUserEnabled:         {CategorySecurity, theObjects, nil},
	KindUserErased:          {CategorySecurity, nobodys, map[string]whose{"sessionsEnded": nobodys}}, // the object is a pseudonym
	KindRolesAssigned:       {CategorySecurity, theObjects, map[string]whose{"after": nobodys, "because": theObjects, "before": nobodys, "provider": nobodys, "sessionsEnded": nobodys}},
	KindProfileChanged:      {CategoryAdministration, theObjects, map[string]whose{"fields": nobodys}},
	KindPasswordChanged:     {CategorySecurity, theObjects, map[string]whose{"sessionsEnded": nobodys}},
	KindSessionStarted:      {CategorySecurity, actors, map[string]whose{"source": actors}},
	KindSessionFailed:       {CategorySecurity, theObjects, map[string]whose{"reason": nobodys, "source": theObjects}},
	KindSessionLocked:       {CategorySecurity, theObjects, map[string]whose{"scope": nobodys, "source": theObjects, "until": nobodys}},
	KindSessionEnded:        {CategorySecurity, actors, map[string]whose{"reason": nobodys}},
	KindUserUnlocked:        {CategorySecurity, theObjects, map[string]whose{"failures": nobodys}},
	KindSessionProved:       {CategorySecurity, actors, nil},
	KindFactorAdded:         {CategorySecurity, actors, map[string]whose{"kind": nobodys}},
	KindFactorRemoved:       {CategorySecurity, actors, nil},
	KindFactorsReset:        {CategorySecurity, theObjects, map[string]whose{"factors": nobodys}},
	KindRecoveryCodesMade:   {CategorySecurity, theObjects, map[string]whose{"codes": nobodys}},
	KindUserProvisioned:     {CategoryAdministration, theObjects, map[string]whose{"provider": nobodys}},
	KindUserRemoved:         {CategorySecurity, theObjects, map[string]whose{"provider": nobodys, "sessionsEnded": nobodys}},
	KindGroupCreated:        {CategoryAdministration, nobodys, map[string]whose{"members": nobodys}},
	KindGroupChanged:        {CategoryAdministration, nobodys, map[string]whose{"added": nobodys, "fields": nobodys, "removed": nobodys}},
	KindGroupDeleted:        {CategoryAdministration, nobodys, map[string]whose{"members": nobodys}},
	KindTokenCreated:        {CategorySecurity, actors, map[string]whose{"expiresAt": nobodys}},
	KindTokenRevoked:        {CategorySecurity, actors, nil},
	KindIdentityLinked:      {CategoryAdministration, theObjects, map[string]whose{"provider": nobodys}},
	KindIdentityReturned:    {CategoryAdministration, theObjects, map[string]whose{"provider": nobodys}},
	KindIdentityBarred:      {CategorySecurity, theObjects, map[string]whose{"because": theObjects, "provider": nobodys, "reason": nobodys, "sessionsEnded": nobodys}},
	KindProviderRefused:     {CategorySecurity, nobodys, map[string]whose{"because": actors, "provider": nobodys, "reason": nobodys, "source": actors}},
	KindMachineAdded:        {CategorySecurity, nobodys, map[string]whose{"expiresAt": nobodys, "networks": nobodys, "scopes": nobodys}},
	KindMachineRotated:      {CategorySecurity, nobodys, map[string]whose{"until": nobodys}},
	KindMachineRemoved:      {CategorySecurity, nobodys, map[string]whose{"tokensEnded": nobodys}},
	KindAccessTokenIssued:   {CategorySecurity, nobodys, map[string]whose{"expiresAt": nobodys, "scopes": nobodys, "source": actors}},
	KindAccessTokenRefused:  {CategorySecurity, nobodys, map[string]whose{"reason": nobodys, "source": actors}},
	KindNetworkDenied:       {CategorySecurity, actors, map[string]whose{"source": actors}},
	KindMeetingCreated:      {CategoryConference, nobodys, map[string]whose{"guestsAllowed": nobodys}},
	KindMeetingChanged:      {CategoryConference, nobodys, map[string]whose{"fields": nobodys, "guestsAllowed": nobodys}},
	KindMeetingDeleted:      {CategoryConference, nobodys, nil},
	KindParticipantAdmitted: {CategoryConference, nobodys, map[string]whose{"meeting": nobodys, "rejoin": nobodys, "role": nobodys}},
	KindTicketRefused:       {CategorySecurity, nobodys, map[string]whose{"reason": nobodys}},
	KindConferenceStarted:   {CategoryConference, nobodys, map[string]whose{"meeting": nobodys}},
	KindConferenceEnded:     {CategoryConference, nobodys, map[string]whose{"reason": nobodys}},
	KindParticipantJoined:   {CategoryConference, actors, map[string]whose{"role": nobodys}},
	KindParticipantLeft:     {CategoryConference, actors, map[string]whose{"reason": nobodys}},
	KindChatSent:            {CategoryConference, actors, nil},
	KindLogBegun:            {CategorySecurity, nobodys, map[string]whose{"before": nobodys, "beforeEntries": nobodys}},
	KindLogWitnessed:        {CategorySecurity, nobodys, map[string]whose{"entries": nobodys}},
	KindLogExported:         {CategorySecurity, nobodys, map[string]whose{"end": nobodys, "start": nobodys}},
	KindLogSearched: {CategorySecurity, theObjects, map[string]whose{
		"as": nobodys, "category": nobodys, "from": nobodys, "kind": nobodys, "outcome": nobodys, "until": nobodys,
	}},
	KindLogEntryRead:      {CategorySecurity, nobodys, nil},
	KindRetentionChanged:  {CategorySecurity, nobodys, map[string]whose{"after": nobodys, "before": nobodys}},
	KindLogRead:           {CategorySecurity, nobodys, map[string]whose{"before": nobodys, "what": nobodys}},
	KindApprovalRequested: {CategorySecurity, theObjects, map[string]whose{"action": nobodys, "approval": nobodys, "expiresAt": nobodys, "parameters": nobodys}},
	KindApprovalGranted:   {CategorySecurity, theObjects, map[string]whose{"action": nobodys, "approval": nobodys, "parameters": nobodys}},
	KindApprovalRefused:   {CategorySecurity, theObjects, map[string]whose{"action": nobodys, "approval": nobodys, "parameters": nobodys}},
	KindApprovalWithdrawn: {CategorySecurity, theObjects, map[string]whose{"action": nobodys, "approval": nobodys, "parameters": nobodys}},
	KindApprovalExpired:   {CategorySecurity, theObjects, map[string]whose{"action": nobodys, "approval": nobodys, "parameters": nobodys}},
	KindApprovalUsed:      {CategorySecurity, theObjects, map[string]whose{"action": nobodys, "approval": nobodys, "parameters": nobodys}},
	KindProfileExported:   {CategorySecurity, theObjects, nil},
	KindFindingHandled:    {CategorySecurity, nobodys, map[string]whose{"finding": nobodys, "state": nobodys}},
	KindMailSent:          {CategorySecurity, theObjects, map[string]whose{"mail": nobodys}},
}

// searchable are the details that are looked for by what they are; see [Parts].
var searchable = []string{"source"}

// Category returns what the kind's retention is decided by; CategorySecurity for a kind that is not known.
func (k Kind) Category() Category {
	if a, known := personal[k]; known {
		return a.category
	}
	return CategorySecurity
}

// SubjectUnknown stands for persons of whom nothing is known but what they tried.
const SubjectUnknown = "unknown"

// Names of what is personal, in [Part].
const (
	fieldActorID   = "actor.id"
	fieldActorUser = "actor.user"
	fieldObjectID  = "object.id"
	fieldDetails   = "details." // and the name of the member, whose value is written as JSON
)

// Part is what an entry tells about one person.
type Part struct {
	Subject string            // the account, else the guest, else SubjectUnknown
	Fields  map[string]string // by name: actor.id, actor.user, object.id, details.…
}

// Parts is an entry taken apart.
type Parts struct {
	Clear    Record            // without what is personal
	Personal []Part            // at most one for each subject, by subject
	Search   map[string]string // details to be looked for under a keyed hash, by name, as in Details
}

// Split takes a record apart. What [Join] makes of the parts is the record again. It fails when Details is not a JSON object.
func Split(r Record) (Parts, error) {
	row, known := personal[r.Kind]
	if !known {
		row = about{object: actors}
	}
	fields := map[whose]map[string]string{actors: {}, theObjects: {}}
	seal := func(w whose, name string, value *string) {
		if w != nobodys && *value != "" {
			fields[w][name], *value = *value, ""
		}
	}
	parts := Parts{Search: map[string]string{}}
	subjects := map[whose]string{actors: actor(r), theObjects: r.ObjectID}
	if person(r.ActorKind) {
		seal(actors, fieldActorID, &r.ActorID)
		seal(actors, fieldActorUser, &r.ActorUser)
	}
	seal(row.object, fieldObjectID, &r.ObjectID)
	details, err := members(r.Details)
	if err != nil {
		return Parts{}, err
	}
	for name, value := range details {
		if slices.Contains(searchable, name) {
			parts.Search[name] = string(value)
		}
		w, listed := row.details[name]
		if !listed {
			w = actors
		}
		if w != nobodys {
			fields[w][fieldDetails+name] = string(value)
			delete(details, name)
		}
	}
	if r.Details, err = object(details); err != nil {
		return Parts{}, err
	}
	parts.Clear, parts.Personal = r, bySubject(fields, subjects)
	return parts, nil
}

// bySubject gathers fields by the person they tell about, who may be the actor and the object at once.
func bySubject(fields map[whose]map[string]string, subjects map[whose]string) []Part {
	persons := map[string]map[string]string{}
	for w, found := range fields {
		if len(found) == 0 {
			continue
		}
		subject := subjects[w]
		if subject == "" {
			subject = SubjectUnknown
		}
		if persons[subject] == nil {
			persons[subject] = map[string]string{}
		}
		maps.Copy(persons[subject], found)
	}
	var parts []Part
	for _, subject := range slices.Sorted(maps.Keys(persons)) {
		parts = append(parts, Part{subject, persons[subject]})
	}
	return parts
}

// Join puts what is personal back into the clear part of a record. It fails when a detail is not JSON.
func Join(clear Record, personal []Part) (Record, error) {
	details, err := members(clear.Details)
	if err != nil {
		return Record{}, err
	}
	for _, p := range personal {
		for name, value := range p.Fields {
			switch name {
			case fieldActorID:
				clear.ActorID = value
			case fieldActorUser:
				clear.ActorUser = value
			case fieldObjectID:
				clear.ObjectID = value
			default:
				details[name[min(len(fieldDetails), len(name)):]] = jsontext.Value(value)
			}
		}
	}
	clear.Details, err = object(details)
	return clear, err
}

// person reports whether actors of this kind are people.
func person(k access.Kind) bool {
	return k != access.KindSystem && k != access.KindWorker && k != access.KindMachine
}

// actor is the subject that an entry's actor is; empty when nobody is known.
func actor(r Record) string {
	switch {
	case !person(r.ActorKind):
		return ""
	case r.ActorUser != "":
		return r.ActorUser
	default:
		return r.ActorID
	}
}

func members(details string) (map[string]jsontext.Value, error) {
	found := map[string]jsontext.Value{}
	return found, json.Unmarshal([]byte(details), &found)
}

// object writes details as the constructors do: members by name.
func object(details map[string]jsontext.Value) (string, error) {
	text, err := json.Marshal(details, json.Deterministic(true))
	return string(text), err
}
