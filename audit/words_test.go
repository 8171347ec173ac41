package audit

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
)

// The web client shows auditors what happened in words. A kind, or a detail, that is new needs its texts there.
func TestTheWebClientHasWordsForEveryKind(t *testing.T) {
	t.Parallel()
	web := filepath.Join("..", "web", "src")
	topics := read[map[string][]Kind](t, filepath.Join(web, "features", "audit", "kinds.json"))
	listed := slices.Sorted(maps.Keys(topics))
	var shown []Kind
	for _, topic := range listed {
		shown = append(shown, topics[topic]...)
	}
	kinds := append(Kinds(), KindLogPruned)
	for _, k := range kinds {
		if !slices.Contains(shown, k) {
			t.Errorf("web/src/features/audit/kinds.json lacks %q, under one of the topics %v", k, listed)
		}
	}
	for _, language := range []string{"de", "en"} {
		file := filepath.Join(web, "i18n", "audit."+language+".json")
		texts := read[map[string]string](t, file)
		need := func(name string) {
			if texts[name] == "" {
				t.Errorf("%s lacks %q", file, name)
			}
		}
		for _, k := range kinds {
			need("audit.kind." + string(k)) // a few words, to choose from
			need("audit.did." + string(k))  // a sentence, with {actor} and {object}
			for name := range personal[k].details {
				need("audit.detail." + name)
			}
		}
		for _, c := range Categories() {
			need("audit.category." + string(c))
		}
		for _, value := range []string{
			string(FailureUnknown), string(FailurePassword), string(FailureDisabled), string(FailureRoles), string(FailureFactor),
			string(LockAccountSource), string(LockAccount), string(LockSource),
			string(SessionSignedOut), string(SessionRevoked), string(SessionSuperseded),
			string(TicketUsed), string(TicketExpired), string(TicketForeign), string(TicketRevoked),
		} {
			need("audit.value." + value)
		}
	}
}

func read[T any](t *testing.T, file string) T {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v
}
