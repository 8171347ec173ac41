package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"konklave/audit/checkpoint"
	"konklave/client"
	"konklave/config"
	"konklave/telemetry"
	"konklave/witness"
)

// WitnessCmd watches the audit log of an instance, from another machine.
type WitnessCmd struct {
	Run WitnessRunCmd `cmd:"" default:"withargs" help:"Watch the audit log of an instance and cosign it. Exit status 3: the log was forked or put back."`
	Key WitnessKeyCmd `cmd:"" help:"Make the key of a witness."`
}

// broken is the exit status of a witness that found another log than the one it saw before.
const broken = 3

// WitnessRunCmd watches a log.
type WitnessRunCmd struct {
	LogKey    string        `required:"" help:"Public key of the log, or a file with it." placeholder:"KEY|FILE"`
	Key       string        `required:"" help:"File with the secret key of this witness (konklave witness key)." placeholder:"FILE"`
	URL       string        `required:"" name:"url" help:"Address of the instance." placeholder:"URL"`
	Machine   string        `required:"" help:"File with client_id and client_secret of a machine with the scope audit.cosign (konklave machine add)." placeholder:"FILE"`
	Dir       string        `help:"Directory of this witness, which it makes, and in which it keeps what it has seen." default:"witness" placeholder:"DIR"`
	Every     time.Duration `help:"Pause between two looks at the log." default:"10s"`
	Roots     string        `help:"File with CA certificates (PEM) by which the instance is trusted, in place of the system's." placeholder:"FILE"`
	LogFormat string        `help:"Shape of the log: text, json." default:"text" enum:"text,json"`
}

// Run watches until the context ends, or until the log is not what it was.
func (cmd *WitnessRunCmd) Run(ctx context.Context, std streams) (err error) {
	o := witness.Options{Dir: cmd.Dir, Every: cmd.Every, Now: time.Now}
	o.Logger = telemetry.New(std.err, config.Log{Format: config.LogFormat(cmd.LogFormat)}).With("process", "witness")
	if cmd.Every <= 0 {
		return fmt.Errorf("--every: the pause must be longer than %v", cmd.Every)
	}
	logs, err := keys([]string{cmd.LogKey})
	if err != nil {
		return fmt.Errorf("--log-key: %w", err)
	}
	if len(logs) != 1 {
		return fmt.Errorf("--log-key: a witness watches one log, and these are the keys of %d", len(logs))
	}
	o.LogKey = logs[0]
	secret, err := os.ReadFile(cmd.Key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	if o.Key, err = checkpoint.WitnessSigner(string(secret), time.Now); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	if o.Source, err = cmd.source(); err != nil {
		return err
	}
	w, err := witness.Open(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	err = w.Run(ctx)
	if errors.Is(err, witness.ErrBroken) {
		return status{broken, fmt.Errorf("ALARM: %w\nWhat was shown is kept in %s. Keep that directory, tell those who trust this witness, and do not ask the operator for an explanation alone. "+
			"An operator who has begun another log says so openly and has given out its key; that log needs another directory", err, cmd.Dir)}
	}
	return err
}

// source is the instance.
func (cmd *WitnessRunCmd) source() (*client.Client, error) {
	text, err := os.ReadFile(cmd.Machine)
	if err != nil {
		return nil, fmt.Errorf("--machine: %w", err)
	}
	proof := strings.Fields(string(text))
	if len(proof) != 2 {
		return nil, fmt.Errorf("--machine: %s has not client_id and client_secret in it, and nothing else", cmd.Machine)
	}
	options := []client.Option{client.WithMachine(proof[0], proof[1])}
	if cmd.Roots != "" {
		text, err := os.ReadFile(cmd.Roots)
		if err != nil {
			return nil, fmt.Errorf("--roots: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--roots: there is no certificate in %s", cmd.Roots)
		}
		options = append(options, client.WithHTTP(&http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		}}))
	}
	return client.New(cmd.URL, options...)
}

// WitnessKeyCmd makes the key of a witness.
type WitnessKeyCmd struct {
	Name   string `arg:"" help:"Name of the witness, for all time; by custom its host and a path, such as witness.example.net/1." placeholder:"NAME"`
	Output string `required:"" help:"New file for the secret key." placeholder:"FILE"`
}

// Run writes the secret key to a file and prints the public one.
func (cmd *WitnessKeyCmd) Run(std streams) error {
	secret, public, err := checkpoint.NewWitnessKey(rand.Reader, cmd.Name)
	if err != nil {
		return fmt.Errorf("%q cannot be the name of a witness: %w", cmd.Name, err)
	}
	f, err := os.OpenFile(cmd.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, public)
	return err
}
