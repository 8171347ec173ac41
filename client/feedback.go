package client

import "encoding/binary"

// Requests for a key frame, among RTCP's packets of feedback about one payload.
const (
	rtcpHeader       = 4   // bytes
	rtcpFeedback     = 206 // RFC 4585, section 6.1
	pictureLoss      = 1   // RFC 4585, section 6.3.1
	fullIntraRequest = 4   // RFC 5104, section 4.3.1
)

// wantsKeyFrame reports whether one of the RTCP packets in a datagram asks for a key frame. It stops at the first broken one.
func wantsKeyFrame(datagram []byte) bool {
	for len(datagram) >= rtcpHeader {
		format, kind := datagram[0]&0x1f, datagram[1]
		size := rtcpHeader * (int(binary.BigEndian.Uint16(datagram[2:])) + 1) // told in words of 32 bits, less one
		if size > len(datagram) {
			return false
		}
		if kind == rtcpFeedback && (format == pictureLoss || format == fullIntraRequest) {
			return true
		}
		datagram = datagram[size:]
	}
	return false
}
