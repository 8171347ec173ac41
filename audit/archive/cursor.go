package archive

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"konklave/access"
)

// CursorLifetime is how long a search may go on before it counts as another one.
const CursorLifetime = time.Hour

// cursors writes down where the page of a search ended, for the one who searches. Whoever has changed it, or brings it to another
// controller, or comes late, is answered as for a new search, which leaves an entry of its own.
type cursors struct{ key [sha256.Size]byte }

func newCursors() cursors {
	var c cursors
	_, _ = rand.Read(c.key[:]) // never fails, see crypto/rand
	return c
}

// A cursor is an index, the time when it ends, and the keyed hash of both.
const cursorSize = 8 + 8 + sha256.Size

func (c cursors) write(index int64, actor access.Actor, q Query, now time.Time) string {
	raw := binary.BigEndian.AppendUint64(make([]byte, 0, cursorSize), uint64(index))
	raw = binary.BigEndian.AppendUint64(raw, uint64(now.Add(CursorLifetime).UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(raw, c.sum(raw, actor, q)...))
}

// read returns where a page ended, and whether it is a page of this search. It fails with ErrCursor.
func (c cursors) read(text string, actor access.Actor, q Query, now time.Time) (index int64, continued bool, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != cursorSize {
		return 0, false, ErrCursor
	}
	said, sum := raw[:16], raw[16:]
	index, until := int64(binary.BigEndian.Uint64(said)), int64(binary.BigEndian.Uint64(said[8:]))
	if index < 0 {
		return 0, false, ErrCursor
	}
	return index, hmac.Equal(sum, c.sum(said, actor, q)) && now.UnixMilli() <= until, nil
}

// sum binds a place to who searches and what for.
func (c cursors) sum(said []byte, actor access.Actor, q Query) []byte {
	h := hmac.New(sha256.New, c.key[:])
	h.Write(said)
	_, _ = fmt.Fprintf(h, "%q %q %q %q %q %q %q %q %q %d %d", actor.Tenant, actor.Kind, actor.ID, actor.SignIn, // a hash takes everything
		q.Kind, q.Category, q.Outcome, q.About, q.As, q.From.UnixNano(), q.Until.UnixNano())
	return h.Sum(nil)
}
