package app

import (
	"context"
	"log/slog"

	"konklave/activation"
	"konklave/config"
	"konklave/front"
	"konklave/web"
)

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
	f, err := front.New(front.Options{
		Static: web.Dist(), Controller: ControllerSocket(c), ConferenceDir: ConferenceDir(c),
		PublicURL: c.PublicURL, Limits: c.Limits, Log: log,
	})
	if err != nil {
		return err
	}
	if err := handed.Ready(); err != nil {
		return err
	}
	return f.Serve(ctx, listener)
}
