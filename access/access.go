// Package access decides who may do what: a pure table from (actor, action, object) to allow, or deny with a reason.
//
// It knows no storage and no transport. Every mutating route and every conference command names an Action of this table;
// one that names none does not pass the build's check.
package access
