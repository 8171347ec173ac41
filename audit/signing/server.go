package signing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"konklave/audit/leaf"
	"konklave/audit/retention"
	"konklave/audit/signer"
	"konklave/audit/tree"
)

// Server answers for one signer.
type Server struct {
	Signer    *signer.Signer
	Log       signer.Log
	Retention retention.Policy          // what it keeps nobody is certified to let go, whoever asks
	Now       func() time.Time          // when certificates are made
	Admit     func(*net.UnixConn) error // says whether somebody may ask, before anything is read
	Logger    *slog.Logger
}

// acceptPause is how long nobody is accepted after somebody could not be.
const acceptPause = 50 * time.Millisecond

// Serve answers until ctx ends; it closes the listener. Those who may not ask cost nobody else a place.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept says it
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	places := make(chan struct{}, ExchangesMax)
	for {
		conn, err := l.AcceptUnix()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // one who is gone again, or no descriptors left for now
			s.Logger.Error("nobody can ask the signer for the moment", "error", err)
			time.Sleep(acceptPause)
			continue
		}
		if err := s.Admit(conn); err != nil {
			s.Logger.Warn("connection to the signer refused", "error", err)
			_ = conn.Close() // that is what it gets
			continue
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			_ = conn.Close() // the process ends
			return nil
		}
		open.Go(func() {
			defer func() { <-places }()
			defer conn.Close()
			if err := s.exchange(ctx, conn); err != nil {
				s.Logger.Warn("a question to the signer was not answered", "error", err)
			}
		})
	}
}

// exchange reads one question and answers it.
func (s *Server) exchange(ctx context.Context, conn *net.UnixConn) error {
	if err := conn.SetDeadline(time.Now().Add(ExchangeMax)); err != nil {
		return err
	}
	text, err := read(conn)
	switch {
	case errors.Is(err, io.EOF):
		return nil // asked nothing
	case err != nil && !errors.Is(err, ErrMessage):
		return err
	}
	var q question
	if err == nil {
		err = decode(text, &q, &q.Version)
	}
	var a answer
	if err == nil {
		a, err = s.answer(ctx, q)
	}
	if err != nil {
		a = answer{Problem: problemOf(err)}
		if inconsistent := (*signer.InconsistentError)(nil); errors.As(err, &inconsistent) {
			a.Last = show(inconsistent.Last)
		}
	}
	a.Version = Version
	return errors.Join(err, write(conn, a))
}

func (s *Server) answer(ctx context.Context, q question) (answer, error) {
	switch q.Verb {
	case VerbLog:
		if q.Size != 0 || q.Root != "" || q.Proof != nil || q.Removal != nil {
			return answer{}, fmt.Errorf("%w: more than is needed", ErrMessage)
		}
		last, err := s.Signer.Last(ctx)
		return answer{Origin: s.Log.Origin, Key: s.Log.Key, Earlier: s.Log.Earlier, Begun: s.Log.Begun, Last: show(last)}, err
	case VerbCertify:
		if q.Size != 0 || q.Root != "" || q.Proof != nil || q.Removal == nil {
			return answer{}, fmt.Errorf("%w: another question than one for a certificate", ErrMessage)
		}
		return s.certify(q.Removal.certificate())
	case VerbSign:
		if q.Removal != nil {
			return answer{}, fmt.Errorf("%w: more than is needed", ErrMessage)
		}
		r, err := q.request()
		if err != nil {
			return answer{}, err
		}
		note, err := s.Signer.Sign(ctx, r)
		return answer{Note: string(note)}, err
	}
	return answer{}, fmt.Errorf("%w: the verb %q", ErrMessage, q.Verb)
}

// certify signs a certificate, when it is time for it by the clock and the settings of the signer itself.
func (s *Server) certify(c leaf.Certificate) (answer, error) {
	c.At = s.Now().UTC().Truncate(time.Millisecond)
	if !s.Retention.Allows(c.Category, c.Before, c.At) {
		return answer{}, fmt.Errorf("%w: %s before %s", ErrRetention, c.Category, c.Before.Format(time.RFC3339))
	}
	signed, err := s.Signer.Certify(c)
	if errors.Is(err, leaf.ErrMalformed) {
		err = fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return answer{Origin: signed.Log, At: c.At.UnixMilli(), Signature: signed.Signature}, err
}

func (q question) request() (signer.Request, error) {
	r := signer.Request{Size: q.Size}
	if q.Size < 0 || q.Size > tree.SizeMax || len(q.Proof) > ProofMax {
		return r, fmt.Errorf("%w: the size of a log or of a proof", ErrMessage)
	}
	var err error
	if r.Root, err = parseHash(q.Root); err != nil {
		return r, err
	}
	for _, text := range q.Proof {
		hash, err := parseHash(text)
		if err != nil {
			return r, err
		}
		r.Proof = append(r.Proof, hash)
	}
	return r, nil
}

// problemOf is what is told about an error.
func problemOf(err error) problem {
	for p, cause := range refusals {
		if errors.Is(err, cause) {
			return p
		}
	}
	switch {
	case errors.Is(err, ErrVersion):
		return problemVersion
	case errors.Is(err, ErrMessage):
		return problemMessage
	case errors.Is(err, ErrRetention):
		return problemRetention
	}
	return problemState
}

// ask is the question for a signature.
func ask(r signer.Request) question {
	q := question{Version: Version, Verb: VerbSign, Size: r.Size, Root: r.Root.String()}
	for _, hash := range r.Proof {
		q.Proof = append(q.Proof, hash.String())
	}
	return q
}
