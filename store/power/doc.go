// Package power tests that nothing acknowledged is lost when a process that appends to a journal on SQLite is killed, or its
// machine loses the power.
//
// What reaches the disk is the same with the race detector, which makes these tests ten times as long and has nothing to
// find in them: they are left out under it, and `make test` runs them without.
package power
