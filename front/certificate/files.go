package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// FileMax is the largest certificate or key file that is read, in bytes.
const FileMax = 1 << 20

// Files gives the certificate from two files and reads them again when they change. Connections that are open stay open.
type Files struct {
	certificate, key string
	host             string
	now              func() time.Time
	log              *slog.Logger

	current atomic.Pointer[tls.Certificate]
	// what follows is Run's alone after NewFiles
	seen       [2]string // what the files held when they were last looked at
	waiting    bool      // what they hold is not in use, because it is worse than what is
	complaints complaints
}

// NewFiles reads the files (PEM), which must belong together. Host is the name that the certificate should be for; empty
// when there is none. An expired certificate is served, and complained about: those who wait for its renewal can do nothing
// about a server that does not start.
func NewFiles(certificate, key, host string, now func() time.Time, log *slog.Logger) (*Files, error) {
	f := &Files{
		certificate: certificate, key: key, host: host, now: now, log: log,
		complaints: complaints{log: log.With("certificate", certificate, "key", key)},
	}
	pair, err := f.read()
	if err != nil {
		return nil, err
	}
	f.current.Store(pair)
	f.complain(complaint(pair.Leaf, host, now()))
	return f, nil
}

// Certificate returns the certificate unless the client asks for a name of somebody else.
func (f *Files) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pair := f.current.Load()
	if !wanted(hello, pair.Leaf, f.host) {
		return nil, nil //nolint:nilnil // crypto/tls then answers unrecognized_name
	}
	return pair, nil
}

// Public reports whether somebody else vouches for the certificate.
func (f *Files) Public() bool { return !selfSigned(f.current.Load().Leaf) }

// Protocols are none.
func (f *Files) Protocols() []string { return nil }

// Run looks at the files every CheckEvery until ctx ends.
func (f *Files) Run(ctx context.Context) {
	tick := time.NewTicker(CheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.check()
		case <-ctx.Done():
			return
		}
	}
}

// check takes new files into use. What browsers would refuse, and what cannot be read, takes the place of nothing that is
// good: the old certificate stays, the log says why, and what is only too early is taken when its time has come.
func (f *Files) check() {
	seen, now, old := f.seen, f.now(), f.current.Load().Leaf
	pair, err := f.read()
	if err != nil {
		f.complain("The new certificate cannot be used, the old one stays: " + err.Error())
		return
	}
	if f.seen == seen && !f.waiting {
		f.complain(complaint(old, f.host, now))
		return
	}
	wrong := flaw(pair.Leaf, f.host, now)
	if f.waiting = wrong != "" && flaw(old, f.host, now) == ""; f.waiting {
		f.complain("The new certificate " + wrong + ", the old one stays.")
		return
	}
	f.current.Store(pair)
	f.log.Info("new certificate in use", "for", strings.Join(names(pair.Leaf), ", "), "until", pair.Leaf.NotAfter.UTC())
	f.complaints.last = ""
	f.complain(complaint(pair.Leaf, f.host, now))
}

func (f *Files) complain(sentence string) { f.complaints.say(f.now(), sentence) }

// read reads both files.
func (f *Files) read() (*tls.Certificate, error) {
	certificate, err := readFile(f.certificate)
	if err != nil {
		return nil, fmt.Errorf("the certificate file (tls.certificate) cannot be read: %w", err)
	}
	key, err := readFile(f.key)
	if err != nil {
		return nil, fmt.Errorf("the key file (tls.key) cannot be read: %w", err)
	}
	f.seen = [2]string{string(certificate), string(key)}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("the certificate in %s and the key in %s cannot be used together: %w", f.certificate, f.key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fmt.Errorf("the certificate file %s: %w", f.certificate, err)
		}
	}
	return &pair, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, FileMax+1))
	if err != nil {
		return nil, err
	}
	if len(data) > FileMax {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, FileMax)
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%s: %w", path, errors.New("is empty"))
	}
	return data, nil
}
