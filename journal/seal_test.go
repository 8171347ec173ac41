package journal

import (
	"bytes"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/conference"
)

// FuzzStored checks that what is in a row decodes to something that encodes to the same again, or is refused.
func FuzzStored(f *testing.F) {
	st, err := conference.Store(conference.Event{
		Seq: 1, At: time.Unix(1, 0).UTC(), By: "p", CommandID: 2, Fact: &conference.ChatMessage{Message: conference.Message{ID: "m", Text: "x"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	sample, err := json.Marshal(st)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add([]byte(`{"v":1,"seq":1,"at":"2026-01-01T00:00:00Z","kind":"conference.ended","fact":{"reason":"host"}}`))
	f.Add([]byte(`{"v":1,"V":1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		st, err := decode(content)
		if err != nil {
			return
		}
		e, err := st.Event()
		if err != nil {
			return
		}
		again, err := conference.Store(e)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decode(encoded)
		if err != nil || !bytes.Equal(Digest([]conference.Stored{same}), Digest([]conference.Stored{again})) {
			t.Errorf("%s became %s (%v)", content, encoded, err)
		}
	})
}

func TestDigestDependsOnEverything(t *testing.T) {
	t.Parallel()
	base := conference.Stored{Version: 1, Seq: 2, At: time.Unix(3, 4e6), By: "p", CommandID: 5, Kind: "k", Fact: []byte("{}")}
	digest := Digest([]conference.Stored{base})
	for name, change := range map[string]func(*conference.Stored){
		"version": func(st *conference.Stored) { st.Version++ },
		"seq":     func(st *conference.Stored) { st.Seq++ },
		"at":      func(st *conference.Stored) { st.At = st.At.Add(time.Millisecond) },
		"by":      func(st *conference.Stored) { st.By = "q" },
		"command": func(st *conference.Stored) { st.CommandID++ },
		"kind":    func(st *conference.Stored) { st.Kind = "l" },
		"fact":    func(st *conference.Stored) { st.Fact = []byte("[]") },
		"border":  func(st *conference.Stored) { st.By, st.Kind = "pk", "" },
	} {
		other := base
		change(&other)
		if bytes.Equal(digest, Digest([]conference.Stored{other})) {
			t.Errorf("%s does not count", name)
		}
	}
	if bytes.Equal(digest, Digest([]conference.Stored{base, base})) || bytes.Equal(keyed([]byte("a"), digest), keyed([]byte("b"), digest)) {
		t.Error("the number of events or the key does not count")
	}
}
