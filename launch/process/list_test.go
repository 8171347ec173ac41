package process

import (
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"konklave/launch"
	"konklave/sandbox"
)

// crowd is a launcher with workers about which there is much to say.
func crowd(workers, words int) *Launcher {
	l := New(Options{Log: slog.New(slog.DiscardHandler)})
	for i := range workers {
		id := fmt.Sprintf("c%03d", i)
		c := &child{process: plain{&exec.Cmd{}}}
		c.Conference = id
		for _, layer := range sandbox.Layers() {
			c.Isolation = append(c.Isolation, sandbox.Finding{Layer: layer, Detail: strings.Repeat("x", words)})
		}
		l.workers[id] = c
	}
	return l
}

// TestAListFitsIntoMessages, however much there is to say about each worker.
func TestAListFitsIntoMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ workers, words, pages int }{
		{0, 0, 1},
		{launch.ListPage, 0, 1},
		{launch.ListPage + 1, 0, 2},
		{120, 1000, 10}, // 12 of them fill a message
	} {
		l := crowd(test.workers, test.words)
		var seen []string
		pages, after := 0, ""
		for more := true; more; pages++ {
			r := l.list(after)
			raw, err := json.Marshal(r)
			if err != nil || len(raw) > launch.MessageMax {
				t.Fatalf("%d workers: a page of %d bytes, %v", test.workers, len(raw), err)
			}
			for _, w := range r.List {
				seen = append(seen, w.Conference)
				after = w.Conference
			}
			if more = r.More; more && len(r.List) == 0 {
				t.Fatalf("%d workers: an empty page, and more", test.workers)
			}
		}
		if len(seen) != test.workers || pages != test.pages {
			t.Errorf("%d workers of %d words: %d in %d pages", test.workers, test.words, len(seen), pages)
		}
	}
}
