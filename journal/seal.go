package journal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/go-json-experiment/json"

	"konklave/conference"
)

// kindSnapshot stands where an event has its kind.
const kindSnapshot = "snapshot"

// errNoKey says that a conference has no key, because nothing was appended or because the key was destroyed.
var errNoKey = errors.New("journal: the conference has no key")

// place is what a sealed row is bound to: the associated data.
func (r Row) place(conferenceID string) []byte {
	p := []byte("konklave journal 1\x00")
	p = binary.BigEndian.AppendUint64(p, uint64(r.Epoch))
	p = binary.BigEndian.AppendUint64(p, uint64(r.Number))
	p = binary.BigEndian.AppendUint64(p, uint64(len(conferenceID)))
	p = append(p, conferenceID...)
	return append(p, r.Kind...)
}

func keyPlace(conferenceID string) []byte {
	return []byte("konklave key of conference " + conferenceID)
}

// key returns the key of a conference, errNoKey, or ErrCorrupt.
func (j *Journal) key(ctx context.Context, conferenceID string) ([]byte, error) {
	j.mu.Lock()
	key, ok := j.keys[conferenceID]
	j.mu.Unlock()
	if ok {
		return key, nil
	}
	wrapped, err := j.store.ConferenceKey(ctx, conferenceID)
	if err != nil {
		return nil, err
	}
	if len(wrapped) == 0 {
		return nil, errNoKey
	}
	return j.unwrap(conferenceID, wrapped)
}

// keyOfStored returns the key of a conference of which something is stored, or ErrCorrupt.
func (j *Journal) keyOfStored(ctx context.Context, conferenceID string) ([]byte, error) {
	key, err := j.key(ctx, conferenceID)
	if errors.Is(err, errNoKey) {
		err = ErrCorrupt.Because(err)
	}
	return key, err
}

// makeKey gives a conference its key. Of several controllers that do it at once, one wins and all return its key.
func (j *Journal) makeKey(ctx context.Context, conferenceID string) ([]byte, error) {
	rec, err := j.store.Conference(ctx, conferenceID)
	if err != nil {
		return nil, err
	}
	if rec.Seq > 0 { // what is stored needs its own key, which another controller may have made meanwhile
		return j.keyOfStored(ctx, conferenceID)
	}
	wrapped, err := j.store.AddConferenceKey(ctx, conferenceID, j.vault.Wrap(j.vault.NewKey(), keyPlace(conferenceID)))
	if err != nil {
		return nil, err
	}
	return j.unwrap(conferenceID, wrapped)
}

func (j *Journal) unwrap(conferenceID string, wrapped []byte) ([]byte, error) {
	key, err := j.vault.Unwrap(wrapped, keyPlace(conferenceID))
	if err != nil {
		return nil, ErrCorrupt.Because(err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keys[conferenceID] = key
	return key, nil
}

func (j *Journal) forget(conferenceID string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.keys, conferenceID)
}

// open returns the event that is sealed in a row.
func (j *Journal) open(key []byte, conferenceID string, r Row) (conference.Stored, error) {
	content, err := j.vault.Open(key, r.Sealed, r.place(conferenceID))
	if err != nil {
		return conference.Stored{}, err
	}
	return decode(content)
}

// decode reads what was sealed, strictly.
func decode(content []byte) (st conference.Stored, err error) {
	err = json.Unmarshal(content, &st, json.RejectUnknownMembers(true))
	return st, err
}

// Digest tells whether two appends bring the same content.
func Digest(events []conference.Stored) []byte {
	h := sha256.New()
	text := func(s []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write(s)
	}
	for _, e := range events {
		for _, n := range []int64{int64(e.Version), e.Seq, e.At.UnixNano(), e.CommandID} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(n)))
		}
		text([]byte(e.By))
		text([]byte(e.Kind))
		text(e.Fact)
	}
	return h.Sum(nil)
}

// keyed is a digest that tells nothing to those who cannot open the journal: the content of a short message cannot be
// guessed from it.
func keyed(key, digest []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("konklave journal digest 1\x00"))
	mac.Write(digest)
	return mac.Sum(nil)
}
