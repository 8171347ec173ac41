// Package e2e tests the whole system from outside: the real program with its processes, spoken to by the Go client.
//
// Its tests are left out under the race detector, which would watch only the client here and finds races of the WebRTC
// library's own (see media/race_test.go); `make test` runs them without it.
package e2e
