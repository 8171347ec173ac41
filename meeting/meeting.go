// Package meeting is about planned things: title, owner, link and policy. A live run of a meeting is a conference.
package meeting
