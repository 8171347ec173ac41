package control

import "context"

// The handshake of a build whose highest version is given.
var (
	DialAs   = dial
	AcceptAs = accept
)

// Enter is enter.
func (l *Limits) Enter(ctx context.Context, size int) (over func(), err error) {
	return l.enter(ctx, size)
}
