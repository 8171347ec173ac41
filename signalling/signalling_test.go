package signalling_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"konklave/conference"
	"konklave/fault"
	"konklave/signalling"
)

// world is a conference with its signalling behind a real HTTP server.
type world struct {
	*httptest.Server
	actor *conference.Actor

	mu      sync.Mutex
	tickets map[string]conference.Admission
	media   []string // what happened to the media, in order
	removed chan string
}

type journal struct{}

func (journal) Append(context.Context, []conference.Event) error { return nil }

func (w *world) Admit(p conference.ParticipantID) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.media = append(w.media, "admit "+string(p))
	return fmt.Sprint("media token ", len(w.media))
}

func (w *world) Remove(p conference.ParticipantID, why conference.LeaveReason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.media = append(w.media, "remove "+string(p))
	w.removed <- string(p) + " " + string(why)
}

func (w *world) redeem(_ context.Context, ticket string) (conference.Admission, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, ok := w.tickets[ticket]
	if !ok {
		return a, fault.New(fault.KindUnauthenticated, "ticket.unknown", "This ticket is not known.")
	}
	delete(w.tickets, ticket)
	return a, nil
}

// smallBuffers makes the kernel hold little of what a client does not read.
type smallBuffers struct{ net.Listener }

const socketBuffer = 4096

func (l smallBuffers) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(socketBuffer) //nolint:forcetypeassert // a TCP listener accepts those
	}
	return c, err
}

// openSlow is open for a client whose kernel holds little too.
func (w *world) openSlow(t *testing.T) *peer {
	t.Helper()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(socketBuffer) //nolint:forcetypeassert // of a TCP address
		}
		return c, err
	}
	ws, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+signalling.Path("c1"), &websocket.DialOptions{
		Subprotocols: []string{signalling.Subprotocol}, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &peer{t: t, ws: ws}
}

// ticket makes one for a person, to be used once.
func (w *world) ticket(name string, role conference.Role, rejoin string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	ticket := fmt.Sprint("ticket ", len(w.tickets), name, time.Now().UnixNano())
	w.tickets[ticket] = conference.Admission{Account: "account-" + name, Kind: conference.KindGuest, Role: role, Name: name, Rejoin: conference.ParticipantID(rejoin)}
	return ticket
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{tickets: map[string]conference.Admission{}, removed: make(chan string, 1000)}
	var server *signalling.Server
	log := slog.New(slog.DiscardHandler)
	w.actor = conference.NewActor(conference.ActorOptions{Journal: journal{}, Now: time.Now, Log: log, Observe: func(d conference.Delivery) { server.Observe(d) }})
	server = signalling.New(signalling.Options{
		ConferenceID: "c1", Epoch: 1, ResumeWindow: time.Minute, Conference: w.actor, Media: w, Redeem: w.redeem, Now: time.Now, Log: log,
	})
	mux := http.NewServeMux()
	mux.Handle(signalling.Path("c1"), server)
	w.Server = httptest.NewUnstartedServer(mux)
	w.Listener = smallBuffers{w.Listener}
	w.Start()
	ctx, cancel := context.WithCancel(context.Background())
	settings := conference.Settings{ID: "c1", Title: "Council", Codec: "vp8", ResumeWindow: time.Minute, Linger: time.Minute, MaxParticipants: 100}
	go func() { _ = w.actor.Run(ctx, settings, time.Now()) }() // the end is awaited below
	t.Cleanup(func() {
		w.CloseClientConnections()
		w.Close()
		cancel()
		<-w.actor.Done()
	})
	return w
}

// peer is a client that speaks the protocol by hand.
type peer struct {
	t    *testing.T
	ws   *websocket.Conn
	self string
	hold struct{ token string }
	seq  int64
}

type message struct {
	Type  string `json:"type"`
	Self  string `json:"self"`
	Seq   int64  `json:"seq"`
	Epoch int64  `json:"epoch"`
	ID    int64  `json:"id"`
	Code  string `json:"code"`
	Nonce string `json:"nonce"`
	Error *struct {
		Code string `json:"code"`
		ID   string `json:"id"`
	} `json:"error"`
	Resume struct {
		Token         string `json:"token"`
		WindowSeconds int    `json:"windowSeconds"`
	} `json:"resume"`
	Media struct {
		Path  string `json:"path"`
		Token string `json:"token"`
	} `json:"media"`
	State *conference.View `json:"state"`
	Event struct {
		Kind    string             `json:"kind"`
		ID      string             `json:"id"`
		Reason  string             `json:"reason"`
		Message conference.Message `json:"message"`
	} `json:"event"`
}

func (w *world) dial(t *testing.T, header http.Header) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	url := "ws" + strings.TrimPrefix(w.URL, "http") + signalling.Path("c1")
	return websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{signalling.Subprotocol}, HTTPHeader: header})
}

func (w *world) open(t *testing.T) *peer {
	t.Helper()
	ws, _, err := w.dial(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(1 << 24)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &peer{t: t, ws: ws}
}

func (p *peer) send(frame string) {
	p.t.Helper()
	if err := p.ws.Write(p.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) next() message {
	p.t.Helper()
	m, err := p.read()
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *peer) read() (message, error) {
	var m message
	_, raw, err := p.ws.Read(p.t.Context())
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		p.t.Fatalf("%s: %v", raw, err)
	}
	if m.Type == "event" {
		if m.Seq <= p.seq {
			p.t.Errorf("event %d after %d", m.Seq, p.seq)
		}
		p.seq = m.Seq
	}
	return m, nil
}

// barrier returns the frames that came before the pong.
func (p *peer) barrier() []message {
	p.t.Helper()
	p.send(`{"type":"ping","nonce":"b"}`)
	var before []message
	for {
		m := p.next()
		if m.Type == "pong" && m.Nonce == "b" {
			return before
		}
		before = append(before, m)
	}
}

// until reads to the frame of a type.
func (p *peer) until(kind string) message {
	p.t.Helper()
	for {
		if m := p.next(); m.Type == kind {
			return m
		}
	}
}

func (w *world) join(t *testing.T, name string, role conference.Role) *peer {
	t.Helper()
	p := w.open(t)
	p.hello(w.ticket(name, role, ""))
	return p
}

func (p *peer) hello(ticket string) message {
	p.t.Helper()
	p.send(fmt.Sprintf(`{"type":"hello","ticket":%q}`, ticket))
	m := p.next()
	if m.Type != "welcome" {
		p.t.Fatalf("after hello: %+v", m)
	}
	p.self, p.hold.token, p.seq = m.Self, m.Resume.Token, m.Seq
	return m
}

// goodbye reads to the end and returns the code said and the close code.
func (p *peer) goodbye() (string, websocket.StatusCode) {
	p.t.Helper()
	said := ""
	for {
		m, err := p.read()
		if err != nil {
			return said, websocket.CloseStatus(err)
		}
		if m.Type == "goodbye" {
			said = m.Code
		}
	}
}

func TestWelcomeTellsWhereOneStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join(t, "host", conference.RoleHost)
	p := w.open(t)
	m := p.hello(w.ticket("anna", conference.RoleParticipant, ""))
	if m.Epoch != 1 || m.Resume.WindowSeconds != 60 || m.Media.Path != "/conference/c1/media" || m.Media.Token == "" || len(m.State.Participants) != 2 {
		t.Errorf("welcome: %+v", m)
	}
	if m.State.Participants[1].Name != "anna" || string(m.State.Participants[1].ID) != m.Self {
		t.Errorf("state: %+v", m.State)
	}
}

func TestChatReachesAllInOrderAndAResendIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	for i := 1; i <= 3; i++ {
		anna.send(fmt.Sprintf(`{"type":"command","id":%d,"command":{"kind":"chat.send","text":"m%d"}}`, i, i))
	}
	anna.send(`{"type":"command","id":2,"command":{"kind":"chat.send","text":"m2"}}`)
	anna.barrier()
	var heard []string
	for _, m := range host.barrier() {
		if m.Event.Kind == "chat.message" {
			heard = append(heard, m.Event.Message.Text)
		}
	}
	if !slices.Equal(heard, []string{"m1", "m2", "m3"}) {
		t.Errorf("heard %v", heard)
	}
}

func TestResumeContinuesWithWhatWasMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.barrier()
	_ = anna.ws.CloseNow()
	for m := host.next(); m.Event.Kind != "participant.connection"; m = host.next() { // anna is seen to be gone
	}
	host.send(`{"type":"command","id":1,"command":{"kind":"chat.send","text":"missed"}}`)
	host.barrier()
	back := w.open(t)
	back.seq = anna.seq
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, anna.hold.token, anna.seq))
	if m := back.next(); m.Type != "resumed" || m.Media.Token == "" {
		t.Fatalf("after resume: %+v", m)
	}
	var missed []string
	for _, m := range back.barrier() {
		missed = append(missed, m.Event.Kind+m.Event.Message.Text)
	}
	want := []string{"participant.connection", "chat.messagemissed", "participant.connection"}
	if !slices.Equal(missed, want) {
		t.Errorf("missed %v, want %v", missed, want)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.media {
		if m == "remove "+anna.self {
			t.Error("media was removed within the resume window")
		}
	}
}

func TestResumeOfAnotherEpochOrFromNowhereGetsAFreshView(t *testing.T) {
	t.Parallel()
	for _, frame := range []string{`{"type":"resume","token":%q,"epoch":2,"seen":1}`, `{"type":"resume","token":%q,"epoch":1,"seen":-5}`, `{"type":"resume","token":%q,"epoch":1,"seen":99999}`} {
		w := newWorld(t)
		anna := w.join(t, "anna", conference.RoleParticipant)
		back := w.open(t)
		back.send(fmt.Sprintf(frame, anna.hold.token))
		if m := back.next(); m.Type != "welcome" || m.Self != anna.self {
			t.Errorf("%s: %+v", frame, m)
		}
	}
}

func TestASecondConnectionTakesThePlaceOfTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.join(t, "anna", conference.RoleParticipant)
	second := w.open(t)
	if m := second.hello(w.ticket("anna", conference.RoleParticipant, first.self)); m.Self != first.self || len(m.State.Participants) != 1 {
		t.Errorf("rejoined as %+v", m)
	}
	if code, status := first.goodbye(); code != "session.replaced" || status != 4409 {
		t.Errorf("the first connection: %q, %d", code, status)
	}
	second.barrier()
	stranger := w.open(t)
	if m := stranger.hello(w.ticket("eve", conference.RoleParticipant, first.self)); m.Self == first.self {
		t.Error("A-58: somebody else took the place of a participant")
	}
	old := w.open(t)
	old.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":0}`, first.hold.token))
	if code, status := old.goodbye(); code != "session.unknown" || status != 4401 {
		t.Errorf("the replaced session's token: %q, %d", code, status)
	}
}

func TestTheHostEndsForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.send(`{"type":"command","id":1,"command":{"kind":"end"}}`)
	if m := anna.until("result"); m.Error == nil || m.Error.Code != "access.denied" || m.Error.ID == "" {
		t.Errorf("A-41: a participant's end: %+v", m)
	}
	host.send(`{"type":"command","id":1,"command":{"kind":"end"}}`)
	if m := host.until("result"); m.ID != 1 || m.Error != nil {
		t.Errorf("the host's result: %+v", m)
	}
	for name, p := range map[string]*peer{"host": host, "anna": anna} {
		if code, status := p.goodbye(); code != "conference.ended" || status != 4410 {
			t.Errorf("%s: %q, %d", name, code, status)
		}
	}
	<-w.actor.Done()
	if err := w.actor.Err(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if got := <-w.removed; !strings.HasSuffix(got, " ended") {
			t.Errorf("removed from the media: %q", got)
		}
	}
}

func TestLeavingEndsSessionAndMediaAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, anna := w.join(t, "host", conference.RoleHost), w.join(t, "anna", conference.RoleParticipant)
	anna.send(`{"type":"command","id":1,"command":{"kind":"leave"}}`)
	if m := anna.until("result"); m.Error != nil {
		t.Errorf("the result of leaving: %+v", m)
	}
	if code, status := anna.goodbye(); code != "participant.left" || status != 4410 {
		t.Errorf("anna: %q, %d", code, status)
	}
	for m := host.next(); m.Event.Kind != "participant.left"; m = host.next() {
	}
	if got := <-w.removed; got != anna.self+" left" {
		t.Errorf("removed from the media: %q", got)
	}
	back := w.open(t)
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":0}`, anna.hold.token))
	if code, status := back.goodbye(); code != "session.unknown" || status != 4401 {
		t.Errorf("resume after leaving: %q, %d", code, status)
	}
}

func TestBadFrames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nested := strings.Repeat(`[`, 20000)
	for _, tt := range []struct {
		name, frame, code string
		status            websocket.StatusCode
		joined            bool
	}{
		{"A-23 unknown ticket", `{"type":"hello","ticket":"nonsense"}`, "ticket.unknown", 4401, false},
		{"unknown session", `{"type":"resume","token":"nonsense","epoch":1,"seen":0}`, "session.unknown", 4401, false},
		{"command first", `{"type":"command","id":1,"command":{"kind":"leave"}}`, "protocol.out_of_order", 4400, false},
		{"not JSON", `nonsense`, "protocol.malformed", 4400, false},
		{"A-44 duplicate key", `{"type":"hello","ticket":"a","ticket":"b"}`, "protocol.malformed", 4400, false},
		{"A-44 wrong case", `{"type":"hello","Ticket":"a"}`, "protocol.malformed", 4400, false},
		{"A-44 unknown field", `{"type":"hello","ticket":"a","role":"host"}`, "protocol.malformed", 4400, false},
		{"A-43 admitted in the body", `{"type":"hello","ticket":"a","admitted":true}`, "protocol.malformed", 4400, false},
		{"A-51 deep nesting", `{"type":"hello","ticket":` + nested, "protocol.malformed", 4400, false},
		{"A-51 huge number", `{"type":"resume","token":"x","epoch":1,"seen":1e400}`, "protocol.malformed", 4400, false},
		{"A-51 NUL", "{\"type\":\"hello\",\"ticket\":\"\x00\"}", "protocol.malformed", 4400, false},
		{"unknown type", `{"type":"fly"}`, "protocol.unknown_type", 4400, false},
		{"hello again", `{"type":"hello","ticket":"x"}`, "protocol.out_of_order", 4400, true},
		{"command without id", `{"type":"command","command":{"kind":"leave"}}`, "protocol.malformed", 4400, true},
		{"negative id", `{"type":"command","id":-1,"command":{"kind":"leave"}}`, "protocol.malformed", 4400, true},
		{"long nonce", `{"type":"ping","nonce":"` + strings.Repeat("x", 65) + `"}`, "protocol.malformed", 4400, true},
		{"A-50 one byte over the limit", `{"type":"ping","nonce":"` + strings.Repeat("x", signalling.FrameMax-26+1) + `"}`, "", 1009, true},
		{"at the limit", `{"type":"ping","nonce":"` + strings.Repeat("x", signalling.FrameMax-26) + `"}`, "protocol.malformed", 4400, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bystander := w.join(t, "bystander", conference.RoleParticipant)
			p := w.open(t)
			if tt.joined {
				p.hello(w.ticket("clumsy", conference.RoleParticipant, ""))
			}
			p.send(tt.frame)
			if code, status := p.goodbye(); code != tt.code || status != tt.status {
				t.Errorf("got %q, %d; want %q, %d", code, status, tt.code, tt.status)
			}
			bystander.barrier()
		})
	}
}

func TestRefusedCommandsLeaveTheConnectionOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.join(t, "anna", conference.RoleParticipant)
	for i, tt := range []struct{ command, code string }{
		{`{"kind":"fly"}`, "command.unknown"},
		{`{"kind":"leave","now":true}`, "protocol.malformed"},
		{`{"kind":"chat.send","text":"x","from":"host"}`, "protocol.malformed"},
		{`{"kind":"chat.send","text":""}`, "chat.empty"},
		{`{"kind":"chat.send","text":"` + strings.Repeat("x", conference.ChatTextMax+1) + `"}`, "chat.too_long"},
	} {
		p.send(fmt.Sprintf(`{"type":"command","id":%d,"command":%s}`, i+1, tt.command))
		if m := p.until("result"); m.Error == nil || m.Error.Code != tt.code {
			t.Errorf("%.60s: %+v", tt.command, m.Error)
		}
	}
	p.barrier()
}

func TestA59ForeignOriginsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, origin := range []string{"https://evil.example", "null", "http://sub." + strings.TrimPrefix(w.URL, "http://"), w.URL + ".evil.example"} {
		_, resp, err := w.dial(t, http.Header{"Origin": {origin}})
		if err == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", origin, err)
		}
	}
	ws, _, err := w.dial(t, http.Header{"Origin": {w.URL}})
	if err != nil {
		t.Fatal(err)
	}
	_ = ws.CloseNow()
}

func TestA52AFloodOfCommandsIsLimitedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bystander := w.join(t, "bystander", conference.RoleParticipant)
	p := w.join(t, "flood", conference.RoleParticipant)
	const sent = signalling.CommandBurst + 100
	for i := 1; i <= sent; i++ {
		p.send(fmt.Sprintf(`{"type":"command","id":%d,"command":{"kind":"chat.send","text":"x"}}`, i))
	}
	limited := 0
	for _, m := range p.barrier() {
		if m.Error != nil && m.Error.Code == "rate.limited" {
			limited++
		}
	}
	if limited == 0 || limited > sent-signalling.CommandBurst {
		t.Errorf("%d of %d were limited, at least %d must pass", limited, sent, signalling.CommandBurst)
	}
	bystander.barrier()
}

func TestA53ASlowReaderIsCutOffAndCanResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.openSlow(t)
	slow.hello(w.ticket("slow", conference.RoleParticipant, ""))
	text := strings.Repeat("x", 1000)
	var fast []*peer
	for i := range signalling.QueueMax/signalling.CommandBurst + 4 {
		fast = append(fast, w.join(t, fmt.Sprint("fast", i), conference.RoleParticipant))
	}
	for round := range signalling.CommandBurst {
		for _, p := range fast {
			p.send(fmt.Sprintf(`{"type":"command","id":%d,"command":{"kind":"chat.send","text":%q}}`, round+1, text))
		}
		for _, p := range fast {
			p.barrier()
		}
	}
	seen := 0
	for { // what had been written before the cut is still there
		if m, err := slow.read(); err != nil {
			break
		} else if m.Event.Kind == "chat.message" {
			seen++
		}
	}
	if sent := len(fast) * signalling.CommandBurst; seen == sent {
		t.Fatalf("the slow reader was not cut off: it got all %d messages", sent)
	}
	back := w.open(t)
	back.seq = slow.seq
	back.send(fmt.Sprintf(`{"type":"resume","token":%q,"epoch":1,"seen":%d}`, slow.hold.token, slow.seq))
	if m := back.next(); m.Type != "resumed" {
		t.Fatalf("after resume: %+v", m)
	}
	for _, m := range back.barrier() {
		if m.Event.Kind == "chat.message" {
			seen++
		}
	}
	if sent := len(fast) * signalling.CommandBurst; seen != sent {
		t.Errorf("%d of %d messages arrived", seen, sent)
	}
}
