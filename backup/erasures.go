package backup

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/go-json-experiment/json"

	"konklave/access"
	"konklave/audit"
	"konklave/fault"
	"konklave/store"
	"konklave/vault"
)

// ErasuresName is the file in the data directory, and beside the backups, that lists who was erased. A database that is older
// than an erasure still has the person; who is on the list is erased there again before anybody is served. The list has hashes
// of random ids.
const ErasuresName = "erasures.list"

const (
	erasuresPurpose = "konklave list of erasures 1"
	erasuresMax     = 64 << 20 // bytes: half a million persons
)

// ErrErasures refuses a list that this instance has not written.
var ErrErasures = fault.New(fault.KindInvalid, "backup.erasures", "This is not the list of erasures of this instance, or of the one that made the backup, or it was changed. Take the newest one from where your backups are.")

// EraseAgain erases those who are on a list and not in the database, which is older. It comes before anybody is served. It
// returns how many people the database still had, and fails with ErrErasures.
func (k *Keeper) EraseAgain(ctx context.Context) (int, error) {
	listed, err := k.listed()
	if err != nil {
		return 0, err
	}
	return eraseAgain(ctx, k.Store, listed, k.By)
}

// KeepErasures writes the list of those who were erased into the data directory and beside the backups, with what is on a list
// there already. Nothing is written where nothing is new.
func (k *Keeper) KeepErasures(ctx context.Context) error {
	all, err := k.Store.Erasures(ctx)
	if err != nil {
		return err
	}
	listed, err := k.listed()
	if err != nil {
		return err
	}
	all = append(all, missing(listed, all)...)
	if err := k.makeDir(); err != nil {
		return err
	}
	for _, dir := range k.erasureDirs() {
		if err := keepErasures(dir, all, k.Keys); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) erasureDirs() []string { return []string{k.Data, k.Dir} }

// listed are those on a list.
func (k *Keeper) listed() ([]store.Erasure, error) {
	var all []store.Erasure
	for _, dir := range k.erasureDirs() {
		list, err := readErasures(filepath.Join(dir, ErasuresName), k.Keys)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the list of erasures in %s: %w", dir, err)
		}
		all = append(all, missing(list, all)...)
	}
	return all, nil
}

// missing are the elements of a list that another one does not have.
func missing(list, from []store.Erasure) []store.Erasure {
	type name struct{ tenant, pseudonym string }
	there := map[name]bool{}
	for _, e := range from {
		there[name{e.Tenant, e.Pseudonym}] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(e store.Erasure) bool { return there[name{e.Tenant, e.Pseudonym}] })
}

// keepErasures writes a list into a directory, unless it is there. Of two programs one waits for the other.
func keepErasures(dir string, all []store.Erasure, keys *vault.Vault) error {
	lock, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer lock.Close() // unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	path := filepath.Join(dir, ErasuresName)
	before, err := readErasures(path, keys)
	if err == nil && len(missing(all, before)) == 0 {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the list of erasures in %s: %w", dir, err)
	}
	text, err := json.Marshal(append(before, missing(all, before)...), json.Deterministic(true))
	if err != nil {
		return err
	}
	text = fmt.Appendf(text, "\n%x\n", keys.Authenticate(erasuresPurpose, text))
	if err := putFile(path+unfinished, text); err != nil {
		return full(err)
	}
	return errors.Join(os.Rename(path+unfinished, path), syncDir(dir))
}

// readErasures reads a list. It fails with ErrErasures.
func readErasures(path string, keys *vault.Vault) ([]store.Erasure, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, erasuresMax))
	if err != nil {
		return nil, err
	}
	list, rest, _ := bytes.Cut(text, []byte("\n"))
	code, err := hex.DecodeString(string(bytes.TrimSpace(rest)))
	if err != nil || !keys.Authentic(erasuresPurpose, list, code) {
		return nil, ErrErasures.Because(err)
	}
	var all []store.Erasure
	if err := json.Unmarshal(list, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, ErrErasures.Because(err)
	}
	return all, nil
}

// eraseAgain erases those of a list who were not erased in a database, and returns how many of them it still had.
func eraseAgain(ctx context.Context, db *store.Store, list []store.Erasure, by string) (int, error) {
	known, err := db.Erasures(ctx)
	if err != nil {
		return 0, err
	}
	actor := access.System(by)
	actor.Tenant = access.DefaultTenant
	again, err := db.EraseAgain(ctx, missing(list, known), func(pseudonym string, ended int) audit.Entry {
		return audit.UserErased(audit.Origin{At: db.Now(), Actor: actor}, pseudonym, ended)
	})
	if err != nil {
		return again, fmt.Errorf("erase again: %w", err)
	}
	return again, nil
}
