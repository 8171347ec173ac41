package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/fault"
)

const (
	subprotocol    = "konklave.v1"
	maxServerFrame = 8 << 20 // bytes accepted in one frame of the server: six for each byte of a whole chat, and the rest
	eventQueue     = 1024    // events waiting for the reader before the connection is given up
)

// Errors of a signalling connection.
var (
	ErrSignallingLost = errors.New("signalling connection lost") // Resume may continue the session
	ErrSlowReader     = errors.New("events are not read fast enough")
)

// Goodbye is the server's last word; the session is over.
//
//nolint:errname // named as in the protocol
type Goodbye struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Status  int        `json:"-"` // the close code that came with it, if any
}

// Error has code and message.
func (g *Goodbye) Error() string { return string(g.Code) + ": " + g.Message }

// Passing reports whether the session goes on after a Resume: the server failed or the connection was too slow.
func (g *Goodbye) Passing() bool {
	return g.Code == "server.unavailable" || g.Code == "client.too_slow"
}

// CommandError is the answer to a command that was not applied.
type CommandError struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	ID      string     `json:"id"`
}

// Error has code and message.
func (e *CommandError) Error() string { return string(e.Code) + ": " + e.Message }

// State is what a participant may see of a conference.
type State struct {
	Conference   ConferenceSummary `json:"conference"`
	Participants []Person          `json:"participants"`
	Chat         []ChatMessage     `json:"chat"`
}

// ConferenceSummary is the conference itself.
type ConferenceSummary struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	StartedAt time.Time `json:"startedAt"`
	Codec     string    `json:"codec"`
}

// Person is a participant as the signalling tells of him.
type Person struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"` // account or guest
	Role      string    `json:"role"` // host or participant
	JoinedAt  time.Time `json:"joinedAt"`
	Connected bool      `json:"connected"`
}

// ChatMessage is one message of the chat.
type ChatMessage struct {
	ID   string    `json:"id"`
	From string    `json:"from"`
	Name string    `json:"name"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// MediaAccess opens the media of a conference; see Conference.JoinMedia.
type MediaAccess struct {
	Path  string      `json:"path"`
	Token string      `json:"token"`
	ICE   []ICEServer `json:"ice"`
}

// ICEServer is a relay that media may go through; the credential is valid for some minutes.
type ICEServer struct {
	URLs       []string `json:"urls"` // RFC 7065
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

// Welcome is the beginning of a session, or a fresh start of it when what was missed is no longer held.
type Welcome struct {
	Self   string `json:"self"`
	Resume struct {
		Token         string `json:"token"`
		WindowSeconds int    `json:"windowSeconds"`
	} `json:"resume"`
	Epoch int64       `json:"epoch"`
	Seq   int64       `json:"seq"`
	State State       `json:"state"`
	Media MediaAccess `json:"media"`
	Now   time.Time   `json:"now"`
}

// Event is something that happened. Which of the fields are set depends on the kind; Raw has all of them.
type Event struct {
	Seq         int64          `json:"-"`
	Kind        string         `json:"kind"`
	Participant *Person        `json:"participant"`
	ID          string         `json:"id"`
	Reason      string         `json:"reason"`
	Connected   bool           `json:"connected"`
	Message     *ChatMessage   `json:"message"`
	Raw         jsontext.Value `json:"-"`
}

// Conference is a session of the signalling. It outlives its connection: after ErrSignallingLost, Resume continues it.
// Its methods may be called from any goroutine.
type Conference struct {
	client *Client
	path   string
	events chan Event
	life   context.Context // of the readers; not that of Connect, which may end before

	mu      sync.Mutex
	ws      *websocket.Conn
	lost    chan struct{} // closed when the connection is gone
	err     error         // why
	renewed chan struct{} // closed when the next connection is there
	welcome Welcome
	seen    int64
	command int64
	nonce   int64
	waiting map[int64]chan answer
	pongs   map[string]chan struct{}
}

// answer is the result of a command.
type answer struct {
	seq int64
	err error
}

// Connect opens the session that an admission allows, and returns when the server has welcomed it.
func (c *Client) Connect(ctx context.Context, a Admission) (*Conference, error) {
	s := &Conference{
		client: c, path: a.Signalling, life: context.WithoutCancel(ctx), events: make(chan Event, eventQueue),
		waiting: make(map[int64]chan answer), pongs: make(map[string]chan struct{}), renewed: make(chan struct{}),
	}
	if err := s.open(ctx, map[string]any{"type": "hello", "ticket": a.Ticket}); err != nil {
		return nil, err
	}
	return s, nil
}

// Resume continues the session over a new connection. Events that were missed arrive in Events; commands without an answer are sent again
// by whoever waits for them.
func (s *Conference) Resume(ctx context.Context) error {
	s.Drop()
	s.mu.Lock()
	hello := map[string]any{"type": "resume", "token": s.welcome.Resume.Token, "epoch": s.welcome.Epoch, "seen": s.seen}
	s.mu.Unlock()
	return s.open(ctx, hello)
}

// open connects, says the first frame and reads the first answer.
func (s *Conference) open(ctx context.Context, hello map[string]any) error {
	header := http.Header{}
	s.client.Authorize(header)
	address := "ws" + s.client.base.String()[len("http"):] + s.path
	ws, err := dial(ctx, address, &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{subprotocol}})
	if err != nil {
		return fmt.Errorf("open signalling: %w", err)
	}
	ws.SetReadLimit(maxServerFrame)
	if err := write(ctx, ws, hello); err != nil {
		_ = ws.CloseNow()
		return fmt.Errorf("open signalling: %w", err)
	}
	first, err := readFrame(ctx, ws)
	if err != nil {
		_ = ws.CloseNow()
		return fmt.Errorf("open signalling: %w", err)
	}
	if err := s.begin(ws, first); err != nil {
		_ = ws.CloseNow()
		return err
	}
	return nil
}

// begin takes the first answer and starts reading.
func (s *Conference) begin(ws *websocket.Conn, f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Type {
	case "welcome":
		s.welcome = Welcome{Self: f.Self, Epoch: f.Epoch, Seq: f.Seq, State: f.State, Media: f.Media, Now: f.Now}
		s.welcome.Resume = f.Resume
		s.seen = f.Seq
	case "resumed":
		s.welcome.Epoch, s.welcome.Media = f.Epoch, f.Media
	case "goodbye":
		return &Goodbye{Code: f.Code, Message: f.Message}
	default:
		return fmt.Errorf("open signalling: the server said %q first", f.Type)
	}
	close(s.renewed)
	s.ws, s.lost, s.renewed, s.err = ws, make(chan struct{}), make(chan struct{}), nil
	go s.read(ws, s.lost)
	return nil
}

// Self is this participant's id.
func (s *Conference) Self() string { return s.Welcome().Self }

// Welcome returns the last welcome; its Media are the newest.
func (s *Conference) Welcome() Welcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.welcome
}

// Events delivers what happens after the welcome, in order. It must be read; the channel is never closed, see Lost.
func (s *Conference) Events() <-chan Event { return s.events }

// Lost is closed when the present connection is gone; Err says why.
func (s *Conference) Lost() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// Err is why the connection is gone: a *Goodbye when the session is over, otherwise ErrSignallingLost. Nil while it lasts.
func (s *Conference) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Next waits for the next event.
func (s *Conference) Next(ctx context.Context) (Event, error) {
	select {
	case e := <-s.events:
		return e, nil
	default:
	}
	select {
	case e := <-s.events:
		return e, nil
	case <-s.Lost():
		return Event{}, s.Err()
	case <-ctx.Done():
		return Event{}, fmt.Errorf("wait for event: %w", context.Cause(ctx))
	}
}

// Await skips events until one of the given kind.
func (s *Conference) Await(ctx context.Context, kind string) (Event, error) {
	for {
		e, err := s.Next(ctx)
		if err != nil || e.Kind == kind {
			return e, err
		}
	}
}

// Command sends a command, a struct or map that encodes to {"kind": …}, and waits for its result: the sequence number of its effect,
// or a *CommandError. When the connection is lost before, it waits for a Resume and sends it again, with the same id.
func (s *Conference) Command(ctx context.Context, command any) (seq int64, err error) {
	body, err := json.Marshal(command)
	if err != nil {
		return 0, fmt.Errorf("command: %w", err)
	}
	s.mu.Lock()
	s.command++
	id := s.command
	result := make(chan answer, 1)
	s.waiting[id] = result
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.waiting, id)
		s.mu.Unlock()
	}()
	for {
		s.mu.Lock()
		ws, lost := s.ws, s.lost
		s.mu.Unlock()
		_ = write(ctx, ws, map[string]any{"type": "command", "id": id, "command": jsontext.Value(body)}) // a failure closes lost
		select {
		case a := <-result:
			return a.seq, a.err
		case <-ctx.Done():
			return 0, fmt.Errorf("command: %w", context.Cause(ctx))
		case <-lost:
		}
		select {
		case a := <-result:
			return a.seq, a.err
		default:
		}
		if err := s.waitResumed(ctx, lost); err != nil {
			return 0, err
		}
	}
}

// waitResumed waits until the connection whose end was seen is replaced.
func (s *Conference) waitResumed(ctx context.Context, lost <-chan struct{}) error {
	s.mu.Lock()
	now, err, renewed := s.lost, s.err, s.renewed
	s.mu.Unlock()
	var over *Goodbye
	switch {
	case (<-chan struct{})(now) != lost:
		return nil
	case errors.As(err, &over) && !over.Passing():
		return over
	}
	select {
	case <-renewed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("command: %w", context.Cause(ctx))
	}
}

// Chat sends a chat message.
func (s *Conference) Chat(ctx context.Context, text string) error {
	_, err := s.Command(ctx, map[string]string{"kind": "chat.send", "text": text})
	return err
}

// Leave leaves the conference.
func (s *Conference) Leave(ctx context.Context) error {
	_, err := s.Command(ctx, map[string]string{"kind": "leave"})
	return err
}

// End ends the conference for all; for the host.
func (s *Conference) End(ctx context.Context) error {
	_, err := s.Command(ctx, map[string]string{"kind": "end"})
	return err
}

// Barrier waits until everything caused by what was sent before has arrived.
func (s *Conference) Barrier(ctx context.Context) error {
	s.mu.Lock()
	s.nonce++
	nonce := strconv.FormatInt(s.nonce, 10)
	pong := make(chan struct{})
	s.pongs[nonce] = pong
	ws, lost := s.ws, s.lost
	s.mu.Unlock()
	if err := write(ctx, ws, map[string]any{"type": "ping", "nonce": nonce}); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	select {
	case <-pong:
		return nil
	case <-lost:
		return s.Err()
	case <-ctx.Done():
		return fmt.Errorf("barrier: %w", context.Cause(ctx))
	}
}

// SendRaw sends bytes in place of a frame; for tests of hostile clients.
func (s *Conference) SendRaw(ctx context.Context, b []byte) error {
	s.mu.Lock()
	ws := s.ws
	s.mu.Unlock()
	return ws.Write(ctx, websocket.MessageText, b)
}

// Drop cuts the connection without a word, as a lost network does, and waits until its reader has ended.
func (s *Conference) Drop() {
	s.mu.Lock()
	ws, lost := s.ws, s.lost
	s.mu.Unlock()
	if ws != nil {
		_ = ws.CloseNow()
		<-lost
	}
}

// JoinMedia joins the media of the conference with what the session was given for it.
func (s *Conference) JoinMedia(ctx context.Context, o ParticipantOptions) (*Participant, error) {
	m := s.Welcome().Media
	if o.Origin == "" {
		o.Origin = s.client.Origin()
	}
	if o.ICE == nil {
		o.ICE = m.ICE
	}
	return JoinMedia(ctx, s.client.base.String()+m.Path, m.Token, o)
}
