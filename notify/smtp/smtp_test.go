package smtp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/config"
	"konklave/notify"
	"konklave/notify/smtp"
)

const (
	name     = "konklave"
	password = "a secret of the mail server"
)

// server is a real mail server.
type server struct {
	lines  *bufio.Scanner
	config config.Mail // that suits it
}

// taken is a mail that the server took.
type taken struct {
	From, Data, User string
	To               []string
	Encrypted        bool
	Port             int // in the first line alone
}

func startServer(t *testing.T, how config.MailSecurity, user string) *server {
	t.Helper()
	dir := t.TempDir()
	c := config.Mail{Security: how, From: "Konklave <konklave@example.org>", Roots: filepath.Join(dir, "cert.pem")}
	makeCertificate(t, c.Roots, filepath.Join(dir, "key.pem"))
	if user != "" {
		c.User, c.PasswordFile = user, filepath.Join(dir, "password")
		if err := os.WriteFile(c.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/server.py", string(how), c.Roots, filepath.Join(dir, "key.pem"), user, password)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	s := &server{lines: bufio.NewScanner(out), config: c}
	if !s.lines.Scan() {
		t.Fatalf("the mail server does not listen (tools/install-test-tools installs it): %s", said.String())
	}
	s.config.Server = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.read(t).Port))
	return s
}

// read is what the line says that was scanned.
func (s *server) read(t *testing.T) (m taken) {
	t.Helper()
	if err := json.Unmarshal(s.lines.Bytes(), &m, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%q: %v", s.lines.Text(), err)
	}
	return m
}

// next waits for the next mail.
func (s *server) next(t *testing.T) taken {
	t.Helper()
	if !s.lines.Scan() {
		t.Fatal("the mail server has ended")
	}
	return s.read(t)
}

func makeCertificate(t *testing.T, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail server of a test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newCarrier(t *testing.T, c config.Mail) *smtp.Carrier {
	t.Helper()
	carrier, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return carrier
}

func hello(to string) notify.Message {
	return notify.Message{ID: "m1", To: to, Subject: "Amt: Anmeldung gesperrt für Sie", Text: "Grüße\n.\nhttps://meet.example.org/unlock#x=y\n", At: time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)}
}

func TestMailArrives(t *testing.T) {
	t.Parallel()
	for _, how := range []config.MailSecurity{config.MailStartTLS, config.MailTLS, config.MailOff} {
		t.Run(string(how), func(t *testing.T) {
			t.Parallel()
			user := name
			if how == config.MailOff {
				user = ""
			}
			s := startServer(t, how, user)
			c := newCarrier(t, s.config)
			if err := c.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.Carry(t.Context(), hello("anna@example.org")); err != nil {
				t.Fatal(err)
			}
			got := s.next(t)
			if got.Encrypted != (how != config.MailOff) || got.User != user || got.From != "konklave@example.org" || !slices.Equal(got.To, []string{"anna@example.org"}) {
				t.Errorf("%+v", got)
			}
			m, err := mail.ReadMessage(strings.NewReader(got.Data))
			if err != nil {
				t.Fatal(err)
			}
			for header, want := range map[string]string{"Message-ID": "<m1@example.org>", "Auto-Submitted": "auto-generated", "To": "<anna@example.org>", "From": `"Konklave" <konklave@example.org>`} {
				if m.Header.Get(header) != want {
					t.Errorf("%s is %q, want %q", header, m.Header.Get(header), want)
				}
			}
			text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
			if err != nil || strings.ReplaceAll(string(text), "\r\n", "\n") != hello("").Text {
				t.Errorf("text %q, %v", text, err)
			}
		})
	}
}

func TestNothingGoesToTheWrongServer(t *testing.T) {
	t.Parallel()
	s := startServer(t, config.MailStartTLS, name)
	plain := startServer(t, config.MailOff, "")
	wrongPassword, foreign, inClear := s.config, s.config, plain.config
	wrongPassword.PasswordFile = filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrongPassword.PasswordFile, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign.Roots = filepath.Join(t.TempDir(), "other.pem")
	makeCertificate(t, foreign.Roots, filepath.Join(t.TempDir(), "key.pem"))
	inClear.Security = config.MailStartTLS // which the server does not offer
	for what, c := range map[string]config.Mail{"wrong password": wrongPassword, "certificate of somebody else": foreign, "no STARTTLS": inClear} {
		carrier := newCarrier(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // the server says no more after a wrong password
		err := carrier.Carry(ctx, hello("anna@example.org"))
		cancel()
		if err == nil || errors.Is(err, notify.ErrRefused) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What is taken next is the first: nothing came before.
	for _, each := range []*server{s, plain} {
		if err := newCarrier(t, each.config).Carry(t.Context(), hello("right@example.org")); err != nil {
			t.Fatal(err)
		}
		if got := each.next(t); got.To[0] != "right@example.org" {
			t.Errorf("%+v", got)
		}
	}
}

func TestRefusalIsForGoodOrForNow(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, startServer(t, config.MailStartTLS, name).config)
	for to, forGood := range map[string]bool{"gone@example.org": true, "later@example.org": false, "not an address": true, "a@example.org\r\nBcc: b@example.org": true} {
		err := c.Carry(t.Context(), hello(to))
		if err == nil || errors.Is(err, notify.ErrRefused) != forGood || strings.Contains(err.Error(), "gone@") || strings.Contains(err.Error(), "later@") {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestOnlyWhatIsAboutTheAddressIsForGood(t *testing.T) {
	t.Parallel()
	c := newCarrier(t, startServer(t, config.MailStartTLS, name).config)
	for reply, forGood := range map[string]bool{
		"550": true, "553": true, "550 5.1.1": true, "553 5.1.3": true, "554 5.1.2": true, "550 5.2.1": true,
		"551": false, "552 5.2.2": false, "554": false, "530 5.7.0": false, "550 5.7.1": false, "553 5.7.1": false, "554 5.7.1": false,
		"550 5.1.8": false, "553 5.1.7": false, "450 4.1.1": false, "550 5.71.1": true,
	} {
		err := c.Carry(t.Context(), hello("reply-"+strings.ReplaceAll(reply, " ", "-")+"@example.org"))
		if err == nil || errors.Is(err, notify.ErrRefused) != forGood || !strings.Contains(err.Error(), "(reply "+reply+")") || strings.Contains(err.Error(), "example.org") {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

func TestNamesBreakOutOfNoHeader(t *testing.T) {
	t.Parallel()
	s := startServer(t, config.MailOff, "")
	m := hello("anna@example.org")
	m.Subject = "Amt\r\nBcc: eve@example.org\r\n\r\nText: gesperrt"
	if err := newCarrier(t, s.config).Carry(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.next(t)
	read, err := mail.ReadMessage(strings.NewReader(got.Data))
	if err != nil || len(got.To) != 1 || read.Header.Get("Bcc") != "" || read.Header.Get("Text") != "" || read.Header.Get("Auto-Submitted") == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// hostile accepts connections and says what it likes.
func hostile(t *testing.T, each func(net.Conn)) config.Mail {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				each(conn)
			}()
		}
	}()
	return config.Mail{Server: l.Addr().String(), Security: config.MailOff, From: "konklave@example.org"}
}

// speak answers each line with the next of the answers, and closes after the last.
func speak(answers ...string) func(net.Conn) {
	return func(conn net.Conn) {
		lines := bufio.NewScanner(conn)
		for i, a := range answers {
			if i > 0 && !lines.Scan() {
				return
			}
			if _, err := io.WriteString(conn, a); err != nil {
				return
			}
		}
	}
}

func TestServerThatFailsMidWay(t *testing.T) {
	t.Parallel()
	const greeting, ehlo, ok = "220 there\r\n", "250 there\r\n", "250 ok\r\n"
	for what, each := range map[string]func(net.Conn){
		"closes at once":         speak(),
		"refuses everybody":      speak("554 no\r\n"),
		"closes after EHLO":      speak(greeting, ehlo),
		"refuses the sender":     speak(greeting, ehlo, ok, "550 no\r\n", ok, ok),
		"closes within the mail": speak(greeting, ehlo, ok, ok, ok, "354 go on\r\n"),
		"greets without an end":  func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat("220-x\r\n", 100)) },
		"says what is no reply":  speak("hello\r\n"),
	} {
		carrier := newCarrier(t, hostile(t, each))
		if err := carrier.Carry(t.Context(), hello("anna@example.org")); err == nil || errors.Is(err, notify.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestServerThatHangsIsLeft(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	settings := hostile(t, func(net.Conn) { <-held })
	t.Cleanup(func() { close(held) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := newCarrier(t, settings).Carry(ctx, hello("anna@example.org")); err == nil {
		t.Error("a silent server took the mail")
	}
}
