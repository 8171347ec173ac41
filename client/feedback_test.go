package client

import "testing"

func TestWantsKeyFrame(t *testing.T) {
	t.Parallel()
	const (
		report    = "\x80\xc9\x00\x01\x00\x00\x00\x01"                                                 // receiver report without blocks
		nack      = "\x81\xcd\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x07\x00\x00"                 // feedback of the transport, in the same format as a loss
		bandwidth = "\x8f\xce\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00REMB\x00\x00\x00\x00"             // other feedback about the payload
		lost      = "\x81\xce\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02"                                 // picture loss
		intra     = "\x84\xce\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x09\x00\x00\x00" // full intra request
		padded    = "\xa1\xce\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x04"                 // picture loss with padding
		broken    = "\x80\xc9\x00\x02\x00\x00\x00\x01"                                                 // longer than it is
	)
	for datagram, want := range map[string]bool{
		"": false, report: false, nack: false, bandwidth: false, report + nack + bandwidth: false,
		lost: true, intra: true, padded: true, report + lost: true, nack + bandwidth + intra + report: true,
		"\x81\xce\x00": false, lost[:8]: false, intra[:19]: false, broken: false, report + broken: false,
	} {
		if got := wantsKeyFrame([]byte(datagram)); got != want {
			t.Errorf("%x: %v, want %v", datagram, got, want)
		}
	}
}
