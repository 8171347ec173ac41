package backup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAFileTakesTheNameOfNothingThatIsBeingMade(t *testing.T) {
	t.Parallel()
	p := &placing{Target: Target{Data: t.TempDir()}, staged: note{}}
	if err := p.begin(); err != nil {
		t.Fatal(err)
	}
	for name, taken := range map[string]bool{"konklave.db.restoring": false, "master.key.restoring": false, ".restoring/placing.json": false, "tls/ca.key": true} {
		if err := p.file(name, strings.NewReader("x")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		path := filepath.Join(p.Data, name)
		if _, err := os.Stat(filepath.Join(p.Data, stage, filesName, name)); (err == nil) != taken || (p.staged[path] != "") != taken {
			t.Errorf("%s: %v, %v", name, err, p.staged)
		}
	}
}
