//go:build !race

package power_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestNothingAcknowledgedIsLostWithThePower cuts the power, over and over, in the life of one process that appends.
//
// strace writes down, in their order, what the process writes to the database's files, when it has them brought to the disk,
// and when it acknowledges. From that the test makes what a disk may hold at a moment: all that was brought to it before, and
// of what came later nothing, everything, or any part, in any order, cut at any sector. From each such disk the journal must
// come back with everything that was acknowledged up to that moment. What it takes for granted: a file system that keeps
// what was fsynced, and a disk that does not lie about it.
func TestNothingAcknowledgedIsLostWithThePower(t *testing.T) {
	t.Parallel()
	const (
		messages = 260 // enough for SQLite to move its write-ahead log into the database and to begin it anew
		cuts     = 80
	)
	l := newLedger(t)
	base := disk{}
	for _, name := range []string{"k.db", "master.key"} {
		content, err := os.ReadFile(filepath.Join(l.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		base[name] = content
	}
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := l.command(t.Context(), messages, "strace", "-f", "-y", "-xx", "-s", "1000000", "-o", trace,
		"-e", "trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2")
	cmd.Stderr = nil // the process writes to it when it ends; nothing of interest
	if err := cmd.Run(); err != nil {
		t.Fatalf("run the appender under strace: %v", err)
	}
	steps := readTrace(t, trace, l.dir)
	if acks, syncs, moves := census(steps); acks != messages || syncs < messages || moves == 0 {
		t.Fatalf("the trace has %d acknowledgements, %d syncs, %d writes to the database itself", acks, syncs, moves)
	}
	t.Run("cuts", func(t *testing.T) {
		for range cuts {
			at := rand.IntN(len(steps) + 1)
			t.Run(fmt.Sprint("after step ", at), func(t *testing.T) {
				t.Parallel()
				for name, keep := range map[string]func() fate{"nothing": allLost, "everything": allKept, "something": anyPart} {
					d, acknowledged := powerCut(base, steps[:at], true, keep)
					if found, err := onDisk(t, d, l.id); err != nil || found < acknowledged {
						t.Errorf("with %s of the rest: acknowledged %d, found %d, %v", name, acknowledged, found, err)
					}
				}
			})
		}
	})
	// The test has teeth: on a disk that never keeps what it was asked to keep, messages are missing.
	d, acknowledged := powerCut(base, steps, false, allLost)
	if found, err := onDisk(t, d, l.id); err == nil && found >= acknowledged {
		t.Errorf("a lying disk lost nothing: %d of %d", found, acknowledged)
	}
}

// onDisk returns how many messages come back from a disk. It is made in memory, where nothing waits for it to be safe.
func onDisk(t *testing.T, d disk, id string) (int64, error) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "konklave-power-")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range d {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := storedIn(t.Context(), dir, id)
	return found, errors.Join(err, os.RemoveAll(dir))
}

// step is one thing that the process did.
type step struct {
	kind   stepKind
	file   string // its name in the data directory; "" for the directory itself
	offset int64
	data   []byte
	began  int   // a sync covers what was done before this step
	number int64 // of an acknowledged message
}

type stepKind int

const (
	stepWrite stepKind = iota
	stepTruncate
	stepRemove
	stepSync
	stepAck
)

// disk is the content of each file.
type disk map[string][]byte

// fate says what becomes of a write that was not brought to the disk: how many of its bytes arrive.
type fate func(size int) int

func allLost() fate { return func(int) int { return 0 } }
func allKept() fate { return func(size int) int { return size } }

// anyPart keeps some writes, loses some, and cuts some at a sector.
func anyPart() fate {
	const sector = 512
	return func(size int) int {
		switch rand.IntN(3) {
		case 0:
			return 0
		case 1:
			return size
		}
		return min(size, sector*rand.IntN(size/sector+1))
	}
}

// powerCut returns what a disk holds when the power goes after these steps, and the last message that was acknowledged.
func powerCut(base disk, steps []step, honest bool, keep func() fate) (disk, int64) {
	safe := make([]bool, len(steps)) // brought to the disk
	waiting := map[string][]int{}    // for a sync, by file
	acknowledged := int64(0)
	for i, s := range steps {
		switch {
		case s.kind == stepAck:
			acknowledged = s.number
		case s.kind == stepSync && honest:
			waiting[s.file] = slices.DeleteFunc(waiting[s.file], func(j int) bool {
				safe[j] = j < s.began
				return safe[j]
			})
		case s.kind != stepSync:
			waiting[s.file] = append(waiting[s.file], i)
		}
	}
	d, lot := disk{}, keep()
	for name, content := range base {
		d[name] = bytes.Clone(content)
	}
	for i, s := range steps {
		whole := 1
		switch s.kind {
		case stepWrite:
			part := len(s.data)
			if !safe[i] {
				part = lot(part)
			}
			d.write(s.file, s.offset, s.data[:part])
		case stepTruncate:
			if safe[i] || lot(whole) > 0 {
				d.truncate(s.file, s.offset)
			}
		case stepRemove:
			if safe[i] || lot(whole) > 0 {
				delete(d, s.file)
			}
		case stepSync, stepAck: // change nothing on the disk
		}
	}
	return d, acknowledged
}

func (d disk) write(name string, offset int64, data []byte) {
	if len(data) == 0 {
		return
	}
	if end := offset + int64(len(data)); end > int64(len(d[name])) {
		d.truncate(name, end)
	}
	copy(d[name][offset:], data)
}

func (d disk) truncate(name string, size int64) {
	content := d[name]
	if size <= int64(len(content)) {
		d[name] = content[:size:size]
		return
	}
	d[name] = append(content, make([]byte, size-int64(len(content)))...)
}

func census(steps []step) (acks, syncs, moves int) {
	for _, s := range steps {
		switch {
		case s.kind == stepAck:
			acks++
		case s.kind == stepSync:
			syncs++
		case s.kind == stepWrite && s.file == "k.db":
			moves++
		}
	}
	return acks, syncs, moves
}

// call is a line of the trace, parsed: a call with its result, or its beginning without, or its end without a name.
type call struct {
	thread, name, arguments, result string
	place                           int // how many steps there were when it began
}

// parseCall reads a line of strace; false when it is a signal or an exit. Its strings are in hexadecimal, and long.
func parseCall(line string) (call, bool) {
	thread, rest, _ := strings.Cut(line, " ")
	c := call{thread: thread}
	rest = strings.TrimLeft(rest, " ")
	begun, unfinished := strings.CutSuffix(rest, " <unfinished ...>")
	if !unfinished {
		equals := strings.LastIndex(rest, "= ")
		if equals < 0 {
			return c, false
		}
		c.result, _, _ = strings.Cut(rest[equals+len("= "):], " ")
		begun = strings.TrimSuffix(strings.TrimRight(rest[:equals], " "), ")")
	}
	if strings.HasPrefix(rest, "<... ") {
		return c, true
	}
	var ok bool
	c.name, c.arguments, ok = strings.Cut(begun, "(")
	return c, ok
}

// readTrace turns what strace wrote into steps: a call takes effect when it has returned.
func readTrace(t *testing.T, path, dir string) []step {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	open := map[string]call{} // by thread
	for line := range strings.Lines(string(content)) {
		line = strings.TrimRight(line, "\n")
		c, ok := parseCall(line)
		if !ok {
			continue
		}
		if c.place = len(steps); c.result == "" {
			open[c.thread] = c
			continue
		}
		if c.name == "" {
			begun := open[c.thread]
			begun.result = c.result
			c = begun
		}
		if strings.HasPrefix(c.result, "-") {
			continue
		}
		if s, ok := stepOf(t, c, dir); ok {
			steps = append(steps, s)
		}
	}
	return steps
}

// stepOf returns what a call did; false when it is of no interest.
func stepOf(t *testing.T, c call, dir string) (step, bool) {
	t.Helper()
	if strings.HasPrefix(c.name, "unlink") || strings.HasPrefix(c.name, "rename") {
		if strings.HasPrefix(c.name, "rename") && strings.Contains(text(t, c.arguments), dir+"/k.db") {
			t.Fatal("the database renames its files: the test does not know what that means")
		}
		name, ok := strings.CutPrefix(text(t, c.arguments), dir+"/")
		return step{kind: stepRemove, file: name}, ok && strings.HasPrefix(name, "k.db") && name != "k.db-shm"
	}
	descriptor, rest, ok := strings.Cut(c.arguments, ">")
	_, file, named := strings.Cut(descriptor, "<")
	if !ok || !named {
		return step{}, false
	}
	file, rest = unhex(t, file), strings.TrimPrefix(rest, ", ")
	if c.name == "write" && !strings.HasPrefix(file, dir) {
		var n int64
		_, err := fmt.Sscanf(text(t, rest), "stored %d", &n)
		return step{kind: stepAck, number: n}, err == nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(file, dir), "/")
	if !strings.HasPrefix(file, dir) || name == "k.db-shm" { // the index of the log is made anew after a crash
		return step{}, false
	}
	switch c.name {
	case "fsync", "fdatasync":
		return step{kind: stepSync, file: name, began: c.place}, true
	case "ftruncate":
		return step{kind: stepTruncate, file: name, offset: number(t, rest)}, true
	case "pwrite64":
		last := strings.LastIndex(rest, ", ")
		return step{kind: stepWrite, file: name, offset: number(t, rest[last+2:]), data: []byte(text(t, rest))}, true
	}
	t.Fatalf("%s on %s: the test does not know what that means", c.name, file)
	return step{}, false
}

// text is the first string of the arguments, which strace writes as "\x61\x62".
func text(t *testing.T, arguments string) string {
	t.Helper()
	_, rest, ok := strings.Cut(arguments, `"`)
	quoted, after, closed := strings.Cut(rest, `"`)
	if !ok || !closed || strings.HasPrefix(after, "...") {
		t.Fatalf("strace wrote %.80q", arguments)
	}
	return unhex(t, quoted)
}

func unhex(t *testing.T, quoted string) string {
	t.Helper()
	out, err := hex.DecodeString(strings.ReplaceAll(quoted, `\x`, ""))
	if err != nil {
		t.Fatalf("strace wrote %.80q", quoted)
	}
	return string(out)
}

func number(t *testing.T, digits string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
