package config

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteExample writes a file with every setting explained and commented out, at its default.
func WriteExample(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Configuration of Konklave. Every setting is shown with its default; remove the # to change it.\n" +
		"# Environment variables (KONKLAVE_…) win over this file, flags win over both.\n")
	group := ""
	for _, s := range Settings() {
		name := s.Key
		indent := ""
		if g, rest, ok := strings.Cut(s.Key, "."); ok {
			name, indent = rest, "  "
			if g != group {
				fmt.Fprintf(&b, "\n#%s:\n", g)
				group = g
			} else {
				b.WriteString("\n")
			}
		} else {
			b.WriteString("\n")
		}
		for line := range strings.SplitSeq(s.Doc, "\n") {
			fmt.Fprintf(&b, "# %s%s\n", indent, line)
		}
		fmt.Fprintf(&b, "# %s%s  %s\n", indent, s.Env(), s.Flag())
		fmt.Fprintf(&b, "#%s%s: %s\n", indent, name, yamlText(s.Show(Default())))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// yamlText is a setting's text as YAML; an address list becomes a list.
func yamlText(text string) string {
	if text == "" {
		return `""`
	}
	return text
}

// WriteShow writes the effective values with their sources as a table, secrets masked.
func (l Loaded) WriteShow(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range Settings() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Key, yamlText(s.Show(l.Config)), l.Sources[s.Key])
	}
	return t.Flush()
}
