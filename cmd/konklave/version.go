package main

import (
	"fmt"
	"runtime/debug"
)

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints it.
func (*VersionCmd) Run(std streams) error {
	_, err := fmt.Fprintln(std.out, "konklave", version())
	return err
}

// version is what the build stamped: a release, or the commit of a development build.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 && (info.Main.Version == "" || info.Main.Version == "(devel)") {
			return "devel-" + s.Value[:12]
		}
	}
	if info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}
