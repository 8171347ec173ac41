package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"konklave/activation"
	"konklave/config"
	"konklave/front"
	"konklave/turn"
	"konklave/web"
)

// frontSettings are the settings that the front reads: a key, or a group of them that ends in a dot.
func frontSettings() []string {
	return []string{"listen", "data", "public-url", "trusted-proxies", "tls.", "log.", "limits.", "media.addresses"}
}

// frontEnvironment names the variables that the front is left: what Go's runtime, resolver and HTTP client read.
func frontEnvironment() []string {
	return []string{
		"PATH", "LANG", "TZ", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
	}
}

// frontArguments is the part of a configuration that the front reads, as flags: it is to know no secret of the others, such as
// the password of the database.
func frontArguments(c config.Config) []string { return argumentsOf(c, frontSettings()) }

// argumentsOf are settings as flags, named by a key, or by a group of them that ends in a dot.
func argumentsOf(c config.Config, keys []string) []string {
	var flags []string
	for _, s := range config.Settings() {
		for _, key := range keys {
			if s.Key == key || strings.HasSuffix(key, ".") && strings.HasPrefix(s.Key, key) {
				flags = append(flags, s.Flag()+"="+s.Show(c))
			}
		}
	}
	return flags
}

// onlyNamed leaves of an environment what is named.
func onlyNamed(environ, names []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return !slices.Contains(names, name)
	})
}

// Front is the process that the network sees: the web client, and the way to controller and workers.
func Front(ctx context.Context, c config.Config, log *slog.Logger) error {
	handed, err := activation.Take()
	if err != nil {
		return err
	}
	ctx, cancel := withLifeline(ctx, &handed)
	defer cancel()
	listener, err := handed.Listener(namePublic)
	if err != nil {
		return err
	}
	key, err := takeRelayKey(ctx, c.Data, &handed)
	if err != nil {
		return err
	}
	confineFront(c, log)
	options, err := withCertificates(c, front.Options{
		Static: web.Dist(), Controller: ControllerSocket(c), ConferenceDir: ConferenceDir(c),
		PublicURL: c.PublicURL, Proxies: c.Proxies, Hosts: c.Hosts(), Drain: onDrain(ctx), Limits: c.Limits, Log: log,
	}, log)
	if err != nil {
		return err
	}
	relay, err := openRelay(ctx, key, &handed, options.Drain, log)
	if err != nil {
		return err
	}
	if c.TLS.On() {
		options.Relay = relay.Take
	}
	f, err := front.New(options)
	if err != nil {
		return err
	}
	if err := serveRedirect(ctx, c, f, &handed, log); err != nil {
		return err
	}
	if err := handed.Ready(); err != nil {
		return err
	}
	go stayAlive(ctx, relayGoesOn(relay), handed.Alive, log)
	return f.Serve(ctx, listener)
}

// openRelay runs the relay for media beside the front. It hears from the controller whose session has ended, until another
// front takes that over.
func openRelay(ctx context.Context, key []byte, handed *activation.Set, drain <-chan struct{}, log *slog.Logger) (*turn.Server, error) {
	o := turn.Options{Key: key, Now: time.Now, Log: log}
	packets, err := handed.Packets(nameTURN)
	if err != nil && !errors.Is(err, activation.ErrMissing) {
		return nil, err
	}
	o.UDP, _ = packets.(*net.UDPConn) // nil when there is none
	orders, err := handed.Listener(nameFront)
	if err != nil {
		return nil, err
	}
	s := turn.New(o)
	go s.Run(ctx)
	server := &http.Server{Handler: s.Control(), ReadHeaderTimeout: front.HeaderTimeout}
	go func() {
		if err := server.Serve(orders); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the relay does not hear the controller any more", "error", err)
		}
	}()
	go func() {
		select {
		case <-drain:
			s.Drain()
		case <-ctx.Done():
		}
		_ = server.Close() // what was said is done
	}()
	return s, nil
}

// serveRedirect leads plain HTTP to HTTPS beside the front, when there is a listener for it.
func serveRedirect(ctx context.Context, c config.Config, f *front.Front, handed *activation.Set, log *slog.Logger) error {
	l, err := handed.Listener(nameRedirect)
	if errors.Is(err, activation.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := url.Parse(c.Address())
	if err != nil {
		return err
	}
	go func() {
		if err := f.Redirect(u.Port()).Serve(ctx, l); err != nil {
			log.Error("plain HTTP is not led to HTTPS any more", "error", err)
		}
	}()
	return nil
}

// onDrain returns a channel that is closed when this process is asked to take nothing new.
func onDrain(ctx context.Context) <-chan struct{} {
	asked, drain := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(asked, drainSignal)
	go func() {
		defer signal.Stop(asked)
		select {
		case <-asked:
			close(drain)
		case <-ctx.Done():
		}
	}()
	return drain
}
