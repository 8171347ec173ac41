package conference

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"konklave/access"
	"konklave/fault"
)

// Limits of the chat.
const (
	ChatTextMax  = 4000    // characters in one message
	ChatKept     = 500     // messages that a newcomer is shown at most
	ChatBytes    = 1 << 20 // bytes of their texts: whoever comes over a slow line waits for all of them
	chatTrimSlop = 64      // how far the list may grow before it is cut, so that cutting is rare
)

// Message is one chat message to everybody.
type Message struct {
	ID   string        `json:"id"`
	From ParticipantID `json:"from"`
	Name string        `json:"name"` // as it was when the message was sent
	Text string        `json:"text"`
	At   time.Time     `json:"at"`
}

type chat struct{ messages []Message }

// newest are the messages that a newcomer is shown.
func (c *chat) newest() []Message {
	first, size := len(c.messages), 0
	for first > 0 && len(c.messages)-first < ChatKept {
		if size += len(c.messages[first-1].Text); size > ChatBytes {
			break
		}
		first--
	}
	return slices.Clone(c.messages[first:])
}

// ChatSend says something to everybody. Nonce becomes the message id and is made by the worker, never by the client.
type ChatSend struct {
	Text  string `json:"text"`
	Nonce string `json:"-"`
}

// SetNonce gives the message its id.
func (c *ChatSend) SetNonce(nonce string) { c.Nonce = nonce }

// Action is chat.send.
func (*ChatSend) Action() access.Action { return access.ChatSend }

func (c *ChatSend) decide(_ *State, by *Participant, now time.Time) ([]Fact, error) {
	text := strings.TrimRight(c.Text, " \t\r\n")
	switch {
	case strings.TrimSpace(text) == "":
		return nil, fault.New(fault.KindInvalid, "chat.empty", "The message is empty.")
	case utf8.RuneCountInString(text) > ChatTextMax:
		return nil, fault.Newf(fault.KindTooLarge, "chat.too_long", "The message has more than %d characters. Shorten it, or send it in parts.", ChatTextMax)
	}
	return []Fact{&ChatMessage{Message: Message{ID: c.Nonce, From: by.ID, Name: by.Name, Text: text, At: now.UTC().Truncate(time.Millisecond)}}}, nil
}

// ChatMessage is the fact that something was said.
type ChatMessage struct {
	Message Message `json:"message"`
}

// Kind is "chat.message".
func (*ChatMessage) Kind() string { return "chat.message" }

// Durable is true.
func (*ChatMessage) Durable() bool { return true }

// Audience is everyone.
func (*ChatMessage) Audience() Audience { return Everyone() }

func (f *ChatMessage) evolve(s *State, _ Event) {
	c := &s.chat
	c.messages = append(c.messages, f.Message)
	if len(c.messages) > ChatKept+chatTrimSlop {
		c.messages = c.newest()
	}
}
