// Package user is about people with an account: who they are, not how they prove it (auth) and not what they may do (access).
package user
