package app

import (
	"bytes"
	"os"
	"sync"
	"testing"
)

// Of controllers that start for the first time in one directory, none reads half a key, and all have the same.
func TestControllersThatStartTogetherHaveOneInstanceKey(t *testing.T) {
	t.Parallel()
	const controllers, times = 4, 50
	for range times {
		dir := t.TempDir()
		var keys [controllers][]byte
		var done sync.WaitGroup
		for i := range keys {
			done.Go(func() {
				key, err := instanceKey(dir)
				if err != nil {
					t.Error(err)
				}
				keys[i] = key
			})
		}
		done.Wait()
		for _, key := range keys[1:] {
			if len(key) != instanceKeySize || !bytes.Equal(key, keys[0]) {
				t.Fatalf("keys of %d and %d bytes", len(key), len(keys[0]))
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Fatalf("in the directory: %v, %v", left, err)
		}
	}
}
