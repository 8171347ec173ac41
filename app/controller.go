package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"konklave/activation"
	"konklave/audit/sequencer"
	"konklave/auth"
	"konklave/auth/passkey"
	"konklave/conference"
	"konklave/config"
	"konklave/finding"
	"konklave/httpapi"
	"konklave/journal"
	"konklave/launch"
	"konklave/meeting"
	"konklave/privacy"
	"konklave/store"
	"konklave/supervisor"
	"konklave/turn"
	"konklave/user"
)

const (
	// parallelHashes bounds the password hashes computed at once, 19 MiB of memory each.
	parallelHashes = 4
	// mediaLease is how long media runs while no controller is there.
	mediaLease = 15 * time.Minute
	// migrationLimit is how long bringing the database up to date may take at a start.
	migrationLimit = time.Hour
	// stopGrace is how long requests under way may take at a stop.
	stopGrace = 3 * time.Second
)

// Controller is the process that decides and supervises: REST, accounts, database, audit, workers. It serves until ctx ends
// or the process that started it is gone; workers go on without it.
func Controller(ctx context.Context, c config.Config, version string, stdout io.Writer, log *slog.Logger) error {
	handed, err := activation.Take()
	if err != nil {
		return err
	}
	ctx, cancel := withLifeline(ctx, &handed)
	defer cancel()
	listener, err := handed.Listener(nameController)
	if err != nil {
		return err
	}
	launcher, err := launcherConn(ctx, c, &handed)
	if err != nil {
		return err
	}
	passwords, err := Passwords(c, parallelHashes) // while the file can be read
	if err != nil {
		return err
	}
	places, err := Atlas(c) // likewise
	if err != nil {
		return err
	}
	confineController(c, log)
	key, err := instanceKey(c.Data)
	if err != nil {
		return fmt.Errorf("instance key: %w", err)
	}
	relay, err := keepRelayKey(c.Data)
	if err != nil {
		return err
	}
	db, keys, err := openDatabase(ctx, c, &handed, log)
	if err != nil {
		return err
	}
	defer db.Close()

	clock := auth.Forward(time.Now)
	networks := roleNetworks(c.Networks, db, clock)
	sessions := auth.NewSessions(db, auth.SessionOptions{Now: clock, Networks: networks, Idle: c.Sessions.Idle, Lifetime: c.Sessions.Lifetime, Max: c.Sessions.Max, Proof: c.Sessions.Proof})
	signIn, unlocking, sendMails, err := mails(c, db, auth.NewSignIn(db, sessions, passwords), log)
	if err != nil {
		return err
	}
	tickets := auth.NewTickets(db, clock)
	setup := auth.NewSetup(db, passwords, keys.NewRecovery, clock)
	federation, metadata, err := newFederation(c, db, sessions, keys, log)
	if err != nil {
		return err
	}
	records := journal.New(db, keys, log)
	sup := supervisor.New(supervisorOptions(c, db, records, tickets, auth.NewPlaces(db, networks), launch.NewClient(launcher), key, relay, log))
	notary := newNotary(c, db, log)
	keeper := BackupKeeper(c, db, keys, version, log)
	auditLog := AuditArchive(c, db, time.Now)
	approvals, users := secondPerson(c, db, user.NewService(db, passwords, time.Now), auditLog)
	traffic, detect := detection(db, places, log)
	provisioning := newScim(c, db, federation)
	api := httpapi.New(httpapi.Options{
		Name: c.Name, Version: version, PublicURL: strings.TrimSuffix(c.PublicURL, "/"), Limits: c.Limits, Log: log, Now: time.Now,
		Users: users, Approvals: approvals, Meetings: meeting.NewService(db, time.Now),
		Sessions: sessions, SignIn: signIn, Factors: auth.NewFactors(db, signIn, keys, passkey.Library{}), Tokens: auth.NewTokens(db, clock),
		Federation: federation, ProviderMetadata: metadata, Scim: provisioning,
		Machines: auth.NewMachines(db, c.Machines.TokenLifetime, clock), Networks: networks,
		Setup: setup, Tickets: tickets, Findings: finding.NewService(db, time.Now), Reuse: auth.NewReuse(db, clock), Traffic: traffic, Privacy: privacy.NewService(db, records, federation, time.Now), Conferences: sup, Database: db,
		Erased: func(ctx context.Context) { noteErased(ctx, keeper, log) },
		Audit:  auditLog, AuditAlarm: func() bool { return notary.Alarm() != nil }, RelayTest: relayTest(c, relay, time.Now), Unlocking: unlocking,
	})
	if err := eraseAgain(ctx, keeper, log); err != nil {
		return err
	}
	if err := welcome(ctx, c, setup, stdout); err != nil {
		return err
	}
	if err := sup.TakeOver(ctx); err != nil { // before the first join is served
		return err
	}
	if err := handed.Ready(); err != nil {
		return err
	}
	backups := func(ctx context.Context) error { return keeper.Run(ctx, time.After) }
	pulse := func(ctx context.Context) error {
		stayAlive(ctx, proof(sup, db), handed.Alive, log)
		return nil
	}
	return serveUntil(ctx, api.Server(), listener, together(sup.Run, backups, pulse, sequencer.New(db, log).Run, notary.Run, reviews(federation, log), retainer(c, db, log), askRetention(c, db, approvals, log), expire(approvals, log), detect, reconciliation(provisioning, log), sendMails))
}

func supervisorOptions(c config.Config, db *store.Store, records *journal.Journal, tickets *auth.Tickets, whereabouts *auth.Places, launcher *launch.Client, key, relay []byte, log *slog.Logger) supervisor.Options {
	return supervisor.Options{
		Records: db, Journal: records, Tickets: tickets, Places: whereabouts, Launcher: launcher, Key: key, Dir: ConferenceDir(c),
		Addresses: c.Media.Addresses, Ports: supervisor.PortRange(c.Media.Ports),
		Settings: conference.Settings{
			Codec: string(c.Media.Codec), ResumeWindow: c.Conference.ResumeWindow, Linger: c.Conference.Linger,
			MaxParticipants: c.Conference.MaxParticipants,
		},
		Relay:      supervisor.Relay{URLs: c.RelayURLs(), Key: relay, End: turn.NewRemote(FrontSocket(c)).End},
		MediaLease: mediaLease, MaxRunning: c.Conference.MaxRunning, Restarts: c.Conference.Restarts,
		LogLevel: c.Log.Level.String(), LogFormat: string(c.Log.Format), Now: time.Now, Log: log,
	}
}

// serveUntil serves HTTP beside a companion until ctx ends or one of them fails.
func serveUntil(ctx context.Context, server *http.Server, l net.Listener, companion func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(l) }()
	go func() { ended <- companion(ctx) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	cancel()
	grace, stop := context.WithTimeout(context.Background(), stopGrace)
	defer stop()
	if shutdown := server.Shutdown(grace); shutdown != nil {
		_ = server.Close() // what is still open is cut
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// welcome tells the operator where to go, and how to set up an instance that has no administrator yet.
func welcome(ctx context.Context, c config.Config, setup *auth.Setup, stdout io.Writer) error {
	address := c.Address()
	needed, err := setup.Needed(ctx)
	if err != nil {
		return fmt.Errorf("look for an administrator: %w", err)
	}
	text := "\n  Konklave is running at " + address + "\n"
	if needed {
		token, err := setup.Issue(ctx)
		if err != nil {
			return fmt.Errorf("make set-up link: %w", err)
		}
		text += "  Set up the first administrator with this link (valid once, until the next start):\n  " + address + "/setup#" + token + "\n"
	} else {
		text += "  Sign in there to start a meeting. To stop: Ctrl-C.\n"
	}
	_, err = io.WriteString(stdout, text+"\n")
	return err
}

// withLifeline returns a context that also ends when the process at the other end of the lifeline, if there is one, is gone.
func withLifeline(ctx context.Context, handed *activation.Set) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	lifeline := handed.File(nameLifeline)
	if lifeline == nil {
		return ctx, cancel
	}
	go func() {
		_, _ = lifeline.Read(make([]byte, 1)) // nothing is ever written: it returns at the end
		cancel()
	}()
	return ctx, cancel
}
