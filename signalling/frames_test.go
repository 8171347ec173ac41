package signalling_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"konklave/conference"
	"konklave/signalling"
)

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
