// Package web holds the built web client, so that the one binary serves it.
package web

import (
	"embed"
	"io/fs"
)

// The folder is empty but for .keep until the client has been built (`make build`).
//
//go:embed all:dist
var dist embed.FS

// Dist returns the built client with index.html at its root; without a build it holds no index.html.
// Beside each text asset lie its pre-compressed copies, with .br and .gz appended to the name.
func Dist() fs.FS {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: the embedded folder has a fixed, valid name: " + err.Error())
	}
	return root
}
