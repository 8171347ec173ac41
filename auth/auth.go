// Package auth proves who somebody is: passwords, browser sessions, API tokens, the set-up link.
package auth
