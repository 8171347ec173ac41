package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/fault"
)

// frame is any frame of the server.
type frame struct {
	Type   string `json:"type"`
	Self   string `json:"self"`
	Resume struct {
		Token         string `json:"token"`
		WindowSeconds int    `json:"windowSeconds"`
	} `json:"resume"`
	Epoch   int64          `json:"epoch"`
	Seq     int64          `json:"seq"`
	State   State          `json:"state"`
	Media   MediaAccess    `json:"media"`
	Now     time.Time      `json:"now"`
	Event   jsontext.Value `json:"event"`
	ID      int64          `json:"id"`
	Error   *CommandError  `json:"error"`
	Nonce   string         `json:"nonce"`
	Code    fault.Code     `json:"code"`
	Message string         `json:"message"`
}

func write(ctx context.Context, ws *websocket.Conn, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	return ws.Write(ctx, websocket.MessageText, b)
}

func readFrame(ctx context.Context, ws *websocket.Conn) (frame, error) {
	var f frame
	_, b, err := ws.Read(ctx)
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(b, &f)
}

// read takes frames until the connection ends.
func (s *Conference) read(ws *websocket.Conn, lost chan struct{}) {
	var goodbye *Goodbye
	var reason error
	for {
		f, err := readFrame(s.life, ws)
		if err != nil {
			reason = closeReason(err, goodbye)
			break
		}
		if f.Type == "goodbye" {
			goodbye = &Goodbye{Code: f.Code, Message: f.Message}
			continue
		}
		if err := s.take(f); err != nil {
			reason = err
			break
		}
	}
	_ = ws.CloseNow()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = reason
	close(lost)
}

// closeReason is why the connection ended, as far as the server said it.
func closeReason(err error, goodbye *Goodbye) error {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		if goodbye == nil {
			goodbye = &Goodbye{Message: closed.Reason}
		}
		goodbye.Status = int(closed.Code)
	}
	if goodbye != nil {
		return goodbye
	}
	return fmt.Errorf("%w: %w", ErrSignallingLost, err)
}

// take applies one frame. Unknown types are ignored: they are how the protocol grows.
func (s *Conference) take(f frame) error {
	switch f.Type {
	case "event":
		return s.takeEvent(f)
	case "result":
		s.mu.Lock()
		defer s.mu.Unlock()
		if waiting := s.waiting[f.ID]; waiting != nil {
			a := answer{seq: f.Seq}
			if f.Error != nil {
				a.err = f.Error
			}
			select {
			case waiting <- a:
			default: // a second answer to a resent command
			}
		}
	case "pong":
		s.mu.Lock()
		defer s.mu.Unlock()
		if pong := s.pongs[f.Nonce]; pong != nil {
			close(pong)
			delete(s.pongs, f.Nonce)
		}
	}
	return nil
}

func (s *Conference) takeEvent(f frame) error {
	e := Event{Seq: f.Seq, Raw: f.Event.Clone()}
	if err := json.Unmarshal(f.Event, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	s.mu.Lock()
	s.seen = f.Seq
	s.mu.Unlock()
	select {
	case s.events <- e:
		return nil
	default:
		return ErrSlowReader
	}
}
