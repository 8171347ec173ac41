// Package audit holds the typed entries of the audit log. Entries are made only by constructors and are written by the
// store in the transaction of the change that they describe.
package audit
