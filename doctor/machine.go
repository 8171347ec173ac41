package doctor

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"konklave/config"
	"konklave/store"
)

// What a machine should have.
const (
	diskLow     = 1 << 30 // bytes free, below which a warning is due
	diskTooLow  = 100 << 20
	inodesLow   = 10_000
	filesOfOne  = 64  // descriptors that a conference and its share of the front may need
	filesAtRest = 256 // and what is needed without any
)

// Magic numbers of filesystems (statfs(2)) on which a database is not safe, or not lasting.
var badFilesystems = map[int64]string{
	0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x01021994: "tmpfs, which ends with the machine",
	0x858458f6: "ramfs, which ends with the machine",
}

func disk(c config.Config) []Finding {
	var fs unix.Statfs_t
	if err := unix.Statfs(c.Data, &fs); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return []Finding{unknown("Start the server once, or name the right one with --data.", "The data directory %s does not exist yet.", c.Data)}
		}
		return []Finding{failed("Look at the rights of the directory.", "The data directory %s cannot be looked at (%v).", c.Data, cause(err))}
	}
	var findings []Finding
	if kind, bad := badFilesystems[int64(fs.Type)]; bad { //nolint:unconvert // another type on other machines
		findings = append(findings, advice("Use a local disk for the data directory.", "The data directory is on %s.", kind))
	}
	free := int64(fs.Bavail) * int64(fs.Bsize) //nolint:unconvert // no disk is that large
	switch {
	case free < diskTooLow:
		findings = append(findings, failed("Make room: without it nothing can be stored.", "%d MiB are free in %s.", free>>20, c.Data))
	case free < diskLow:
		findings = append(findings, advice("Make room soon.", "%d MiB are free in %s.", free>>20, c.Data))
	}
	if fs.Files > 0 && fs.Ffree < inodesLow {
		findings = append(findings, advice("Remove small files from that filesystem.", "%d more files fit into %s.", fs.Ffree, c.Data))
	}
	if len(findings) == 0 {
		findings = append(findings, good("%.1f GiB are free in %s.", float64(free)/(1<<30), c.Data))
	}
	return findings
}

// clock asks the kernel whether something keeps the time right.
func clock() []Finding {
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	return clockFinding(state, t.Maxerror, err)
}

// clockError is a doubt about the time, in microseconds, from which on one-time passwords and certificates may suffer.
const clockError = 5_000_000

func clockFinding(state int, maxError int64, err error) []Finding {
	const fix = "Install a time service, for example systemd-timesyncd or chrony: tokens, certificates and the audit log need the right time."
	switch {
	case err != nil:
		return []Finding{unknown(fix, "Whether the clock is right cannot be told (%v).", cause(err))}
	case state == unix.TIME_ERROR:
		return []Finding{advice(fix, "Nothing keeps the clock of this machine right.")}
	case maxError > clockError:
		return []Finding{advice(fix, "The clock may be wrong by %s.", (time.Duration(maxError) * time.Microsecond).Round(time.Second))}
	}
	return []Finding{good("The clock is kept right, to %s.", (time.Duration(maxError) * time.Microsecond).Round(time.Millisecond))}
}

func limits(c config.Config) []Finding {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return []Finding{unknown("", "The limit of open files cannot be told (%v).", cause(err))}
	}
	need := uint64(filesAtRest + c.Conference.MaxRunning*filesOfOne) // bounded by the configuration
	if files.Max < need {
		return []Finding{advice("Set LimitNOFILE in the unit, or `ulimit -n`.", "A process may open %d files; %d conferences can need %d.", files.Max, c.Conference.MaxRunning, need)}
	}
	return []Finding{good("A process may open %d files.", files.Max)}
}

// database says what the store promises, and for whose death the promise stands.
func database(ctx context.Context, c config.Config) []Finding {
	kind := "SQLite"
	if strings.HasPrefix(c.DSN(), "postgres") {
		kind = "PostgreSQL"
	} else if _, err := os.Stat(strings.TrimPrefix(c.DSN(), "sqlite:")); errors.Is(err, os.ErrNotExist) {
		return []Finding{unknown("Start the server once.", "The database does not exist yet.")}
	}
	state, err := store.Inspect(ctx, c.DSN())
	var newer *store.SchemaTooNewError
	switch {
	case errors.As(err, &newer):
		return []Finding{failed("Start the newer program, or restore a backup from before.", "The database has schema %d, this program knows %d.", newer.Database, newer.Program)}
	case err != nil:
		return []Finding{failed("See that the database runs and that its address and password are right.", "The %s database cannot be opened.", kind)}
	case !state.Durable:
		return []Finding{failed("Turn on fsync and synchronous_commit.", "The %s database confirms what a power loss can take away again: %s.", kind, state.Why)}
	case state.Schema < state.Program:
		return []Finding{advice("Nothing to do: the next start brings it up to date. Make a backup before.", "The %s database has schema %d, this program brings %d.", kind, state.Schema, state.Program)}
	}
	return []Finding{good("The %s database is at schema %d; what was acknowledged outlives processes, the operating system and power. The loss of the disk costs what is newer than the last backup.", kind, state.Schema)}
}
