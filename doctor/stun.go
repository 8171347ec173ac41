package doctor

import (
	"context"
	"crypto/hmac"
	"crypto/md5" // the long-term credential mechanism (RFC 8489, section 9.2.2) has it
	"crypto/rand"
	"crypto/sha1" // MESSAGE-INTEGRITY (RFC 8489, section 14.5) is an HMAC of it
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// STUN messages (RFC 8489, section 5), as far as a test of a relay needs them.
const (
	stunBinding   = 0x0001
	stunAllocate  = 0x0003
	stunRefresh   = 0x0004
	stunSuccess   = 0x0100
	stunError     = 0x0110
	stunCookie    = 0x2112A442
	stunHeader    = 20
	stunMax       = 1500
	stunIntegrity = 4 + sha1.Size

	attrUsername  = 0x0006
	attrIntegrity = 0x0008
	attrErrorCode = 0x0009
	attrLifetime  = 0x000D
	attrRealm     = 0x0014
	attrNonce     = 0x0015
	attrTransport = 0x0019

	codeUnauthorized = 401
	codeQuota        = 486
)

// How long the relay may take for one of the attempts; by TCP there is only one, as long as all of them.
const (
	stunPatience = 2 * time.Second
	stunAttempts = 3
)

// attribute is one of a message.
type attribute struct {
	kind  uint16
	value []byte
}

// stunClient asks a relay, over UDP or a stream.
type stunClient struct {
	conn         net.Conn
	stream       bool
	access       testKey // signs requests once realm and nonce are known
	realm, nonce []byte
}

// refusedError is an answer of the relay that is an error.
type refusedError int

// Error says which.
func (e refusedError) Error() string {
	switch e {
	case codeUnauthorized:
		return "it was made with another key"
	case codeQuota:
		return "this address has too many tests under way"
	}
	return fmt.Sprintf("error %d", int(e))
}

var errNoAnswer = errors.New("the answer is not of a relay")

// allocate opens an allocation with the credential, and gives it back.
func (s *stunClient) allocate(ctx context.Context, a testKey) error {
	udp := attribute{attrTransport, []byte{17, 0, 0, 0}}
	asked, err := s.ask(ctx, stunAllocate, udp) // for realm and nonce
	var refused refusedError
	if !errors.As(err, &refused) || refused != codeUnauthorized {
		return fmt.Errorf("it does not ask for a credential: %w", errors.Join(err, errNoAnswer))
	}
	s.access, s.realm, s.nonce = a, asked[attrRealm], asked[attrNonce]
	if _, err := s.ask(ctx, stunAllocate, udp); err != nil {
		return err
	}
	_, err = s.ask(ctx, stunRefresh, attribute{attrLifetime, make([]byte, 4)})
	return err
}

// ask sends a request and returns the attributes of its answer; a refusal is a refusedError, with attributes.
func (s *stunClient) ask(ctx context.Context, method uint16, attributes ...attribute) (map[uint16][]byte, error) {
	request := s.build(method, attributes)
	answer := make([]byte, stunMax)
	attempts, patience := stunAttempts, stunPatience
	if s.stream {
		attempts, patience = 1, stunAttempts*stunPatience
	}
	var err error
	for range attempts {
		limit := time.Now().Add(patience)
		if end, ok := ctx.Deadline(); ok && end.Before(limit) {
			limit = end
		}
		if err = s.conn.SetDeadline(limit); err != nil {
			return nil, err
		}
		if _, err = s.conn.Write(request); err != nil {
			return nil, err
		}
		var n int
		if n, err = s.read(answer); errors.Is(err, os.ErrDeadlineExceeded) || !s.stream && err != nil {
			continue // lost, or nobody was there yet
		}
		if err != nil {
			return nil, err
		}
		return parseAnswer(answer[:n], request)
	}
	return nil, err
}

// read takes one message; in a stream they follow each other.
func (s *stunClient) read(into []byte) (int, error) {
	if !s.stream {
		return s.conn.Read(into)
	}
	if _, err := io.ReadFull(s.conn, into[:stunHeader]); err != nil {
		return 0, err
	}
	size := stunHeader + int(binary.BigEndian.Uint16(into[2:]))
	if size > len(into) {
		return 0, errNoAnswer
	}
	_, err := io.ReadFull(s.conn, into[stunHeader:size])
	return size, err
}

func (s *stunClient) build(method uint16, attributes []attribute) []byte {
	m := make([]byte, stunHeader)
	binary.BigEndian.PutUint16(m, method)
	binary.BigEndian.PutUint32(m[4:], stunCookie)
	_, _ = rand.Read(m[8:stunHeader]) // never fails, see crypto/rand
	if s.realm != nil {
		attributes = append(attributes, attribute{attrUsername, []byte(s.access.username)}, attribute{attrRealm, s.realm}, attribute{attrNonce, s.nonce})
	}
	for _, a := range attributes {
		m = appendAttribute(m, a)
	}
	if s.realm != nil {
		setLength(m, len(m)-stunHeader+stunIntegrity) // as if it were there
		key := md5.Sum(fmt.Appendf(nil, "%s:%s:%s", s.access.username, s.realm, s.access.password))
		sum := hmac.New(sha1.New, key[:])
		sum.Write(m)
		m = appendAttribute(m, attribute{attrIntegrity, sum.Sum(nil)})
	}
	setLength(m, len(m)-stunHeader)
	return m
}

func setLength(m []byte, n int) { binary.BigEndian.PutUint16(m[2:], uint16(n)) } // far below its bounds

func appendAttribute(m []byte, a attribute) []byte {
	m = binary.BigEndian.AppendUint16(m, a.kind)
	m = binary.BigEndian.AppendUint16(m, uint16(len(a.value))) // far below its bounds
	m = append(m, a.value...)
	return append(m, make([]byte, -len(a.value)&3)...)
}

// parseAnswer reads the attributes of the answer to a request.
func parseAnswer(m, request []byte) (map[uint16][]byte, error) {
	if len(m) < stunHeader || string(m[4:stunHeader]) != string(request[4:stunHeader]) {
		return nil, errNoAnswer
	}
	kind, method := binary.BigEndian.Uint16(m), binary.BigEndian.Uint16(request)
	found := map[uint16][]byte{}
	for rest := m[stunHeader:]; len(rest) >= 4; {
		size := int(binary.BigEndian.Uint16(rest[2:]))
		if 4+size > len(rest) {
			return nil, errNoAnswer
		}
		found[binary.BigEndian.Uint16(rest)] = rest[4 : 4+size]
		rest = rest[min(len(rest), 4+size+-size&3):]
	}
	switch {
	case kind == method|stunSuccess:
		return found, nil
	case kind == method|stunError && len(found[attrErrorCode]) >= 4:
		code := found[attrErrorCode]
		return found, refusedError(int(code[2]&7)*100 + int(code[3]))
	}
	return nil, errNoAnswer
}
