package control

// The handshake of a build whose highest version is given.
var (
	DialAs   = dial
	AcceptAs = accept
)
