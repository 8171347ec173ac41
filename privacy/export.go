package privacy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
)

// The bounds of an export. Where one is met, the export says that it is not complete.
const (
	MaxRows        = 1_000            // newest rows of one table
	LogScanned     = 1_000_000        // newest entries of the audit log that are looked through
	MaxEntries     = 50_000           // of them that are given
	MaxConferences = 200              // in which one's own messages are looked for
	MaxEvents      = 50_000           // of them that are given
	ReadingTime    = 40 * time.Second // that reading takes at most, the wait for the turn with it
	ExportsAtOnce  = 2                // others wait for their turn
)

// ExportVersion is that of the shape of an export.
const ExportVersion = 1

// eventBytes is how much of a journal is read at once.
const eventBytes = 1 << 20

// Store gathers what the database holds about a person.
type Store interface {
	// OwnData returns what of it is at hand at once, and writes the entry in the same transaction. It fails with user.ErrUnknown.
	OwnData(ctx context.Context, tenant, userID string, entry audit.Entry) (OwnData, error)
	// OwnLog hands the entries of the audit log that tell about the person to keep, the newest first, and reports whether these are
	// all: it looks through LogScanned entries. An error of keep ends it.
	OwnLog(ctx context.Context, tenant, userID string, keep func(OwnLogEntry) error) (complete bool, err error)
}

// Providers opens what identity providers said.
type Providers interface {
	// Said returns what the provider of a link said the last time.
	Said(l auth.Link) (auth.ProviderIdentity, error)
}

// Service gives people what is stored about them.
type Service struct {
	store     Store
	journals  Journals
	providers Providers
	now       func() time.Time
	turns     chan struct{} // holds one for each export that is written
}

// NewService returns a Service that takes the time from now.
func NewService(s Store, j Journals, p Providers, now func() time.Time) *Service {
	return &Service{s, j, p, now, make(chan struct{}, ExportsAtOnce)}
}

// Export is what is stored about one person, ready to be written.
type Export struct {
	service *Service
	actor   access.Actor
	at      time.Time
	data    OwnData
}

// Export begins an export of what is stored about the actor; that is in the audit log from now on. Faults: access.
func (s *Service) Export(ctx context.Context, actor access.Actor) (*Export, error) {
	object := access.Object{Kind: "user", ID: actor.UserID, OwnerID: actor.UserID, Tenant: actor.Tenant}
	if err := access.Decide(actor, access.ProfileExport, object).Err(); err != nil {
		return nil, err
	}
	at := s.now().UTC().Truncate(time.Millisecond)
	d, err := s.store.OwnData(ctx, actor.Tenant, actor.UserID, audit.ProfileExported(audit.Origin{At: at, Actor: actor}, actor.UserID))
	if err != nil {
		return nil, err
	}
	return &Export{s, actor, at, d}, nil
}

// errEnough ends the reading of what comes entry by entry.
var errEnough = errors.New("there is no room for more")

// Write writes one JSON object, member by member as they are read; what was not read within ReadingTime is left out. Its last
// member says whether it is complete; one that was cut off is no JSON. It fails when its turn does not come within that time.
func (e *Export) Write(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, ReadingTime)
	defer cancel()
	select {
	case e.service.turns <- struct{}{}:
		defer func() { <-e.service.turns }()
	case <-ctx.Done():
		return fmt.Errorf("wait for the turn to export: %w", ctx.Err())
	}
	links, opened := e.links()
	out := writer{jsontext.NewEncoder(w, jsontext.WithIndent("  ")), opened && !e.data.Cut}
	if err := out.head(e, links); err != nil {
		return err
	}
	var went places
	if err := out.list(partLog, func() error { return e.writeLog(ctx, &out, &went) }); err != nil {
		return err
	}
	if err := out.list(partConferences, func() error { return e.writeConferences(ctx, &out, went) }); err != nil {
		return err
	}
	if err := out.member("complete", out.complete && !went.more); err != nil {
		return err
	}
	return out.WriteToken(jsontext.EndObject)
}

// links are what identity providers call the account; opened says whether all of what they said could be read.
func (e *Export) links() (links []OwnLink, opened bool) {
	links, opened = []OwnLink{}, true
	for _, l := range e.data.Links {
		own := OwnLink{Provider: l.Provider, Subject: l.Subject, LinkedAt: l.LinkedAt, AskAt: l.AskAt, GoneAt: l.GoneAt}
		if id, err := e.service.providers.Said(l); err == nil {
			own.Said = &OwnSaid{id.Name, id.Email, id.EmailVerified, id.Groups, id.Attributes, id.Methods, id.Context, id.SignedInAt}
		} else {
			opened = false
		}
		links = append(links, own)
	}
	return links, opened
}

func (e *Export) writeLog(ctx context.Context, out *writer, went *places) error {
	count := 0
	all, err := e.service.store.OwnLog(ctx, e.actor.Tenant, e.actor.UserID, func(own OwnLogEntry) error {
		if count++; count > MaxEntries {
			return errEnough
		}
		went.note(own)
		return json.MarshalEncode(out.Encoder, own)
	})
	if errors.Is(err, errEnough) || timeIsUp(ctx) {
		all, err = false, nil
	}
	out.complete = out.complete && all
	return err
}

// timeIsUp reports whether ReadingTime is over; whoever asked may still be there.
func timeIsUp(ctx context.Context) bool { return errors.Is(ctx.Err(), context.DeadlineExceeded) }

// writer writes the members of one object.
type writer struct {
	*jsontext.Encoder

	complete bool // so far
}

func (w *writer) head(e *Export, links []OwnLink) error {
	if err := w.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	head := []part{{"version", ExportVersion}, {"madeAt", e.at}}
	for _, p := range append(head, e.data.parts(links)...) {
		if err := w.member(p.name, p.value); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) member(name string, value any) error {
	if err := w.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	return json.MarshalEncode(w.Encoder, value)
}

func (w *writer) list(name string, elements func() error) error {
	for _, token := range []jsontext.Token{jsontext.String(name), jsontext.BeginArray} {
		if err := w.WriteToken(token); err != nil {
			return err
		}
	}
	if err := elements(); err != nil {
		return err
	}
	return w.WriteToken(jsontext.EndArray)
}
