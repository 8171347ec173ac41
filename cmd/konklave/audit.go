package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"konklave/audit/checkpoint"
	"konklave/audit/verifier"
	"konklave/vault"
)

// AuditCmd is what an auditor does with the audit log, and what the operator does for him.
type AuditCmd struct {
	Verify AuditVerifyCmd `cmd:"" help:"Verify an export of the audit log. Exit status: 0 intact, 1 tampered with, 2 could not be verified completely."`
	Export AuditExportCmd `cmd:"" help:"Write the audit log of this instance, as far as it is signed, as an export."`
	Prune  AuditPruneCmd  `cmd:"" help:"Remove what was kept long enough, under certificates in the log: for PostgreSQL, where the server's role may not. Run it every day."`
	NewLog AuditNewLogCmd `cmd:"" help:"End the audit log and begin another, with a name and key of its own: the way on after a restore."`
}

// AuditVerifyCmd verifies an export with nothing but the keys that the auditor has.
type AuditVerifyCmd struct {
	Key        []string `help:"Public key of the log, or a file with such keys, one on each line: that of the log last, those of the logs before it for what was removed in their time. Without it the log can at best be found incomplete." placeholder:"KEY|FILE"`
	WitnessKey []string `help:"Public key of a witness, or a file with such keys." placeholder:"KEY|FILE"`
	Witnesses  int      `help:"How many of these witnesses must have cosigned (all)." default:"-1" placeholder:"N"`
	Since      string   `help:"An export or a checkpoint from earlier: what was changed since is named exactly." placeholder:"DIR|FILE"`
	JSON       bool     `name:"json" help:"Print one JSON object."`
	Path       string   `arg:"" help:"The export: a directory with segments, or one segment." placeholder:"DIR|FILE"`
}

// incomplete is the exit status of a verification that could not be made.
const incomplete = int(verifier.Incomplete)

// Run prints what it finds.
func (cmd *AuditVerifyCmd) Run(ctx context.Context, std streams) error {
	o := verifier.Options{Opener: (*vault.Vault)(nil), Now: time.Now()}
	var err error
	if o.Trust, err = cmd.trust(); err != nil {
		return status{incomplete, err}
	}
	if cmd.Since != "" {
		if o.Since, err = verifier.ReadSince(cmd.Since); err != nil {
			return status{incomplete, fmt.Errorf("--since: %w", err)}
		}
	}
	files, err := verifier.Open(cmd.Path)
	if err != nil {
		return status{incomplete, err}
	}
	r, err := verifier.Verify(ctx, files, o)
	if err != nil {
		return status{incomplete, fmt.Errorf("the verification was not finished: %w", err)}
	}
	show := printReport
	if cmd.JSON {
		show = printReportJSON
	}
	if err := show(std, r, len(files.Names)); err != nil {
		return status{incomplete, err}
	}
	if v := r.Verdict(); v != verifier.Intact {
		return status{code: int(v)}
	}
	return nil
}

// trust is in the keys that were given; nil without one of the log.
func (cmd *AuditVerifyCmd) trust() (*checkpoint.Trust, error) {
	logs, err := keys(cmd.Key)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	witnesses, err := keys(cmd.WitnessKey)
	if err != nil {
		return nil, fmt.Errorf("--witness-key: %w", err)
	}
	if len(logs) == 0 && len(witnesses) == 0 {
		return nil, nil
	}
	threshold := cmd.Witnesses
	if threshold < 0 {
		threshold = len(witnesses)
	}
	logs, earlier := present(logs)
	trust, err := checkpoint.NewTrust(logs, witnesses, threshold)
	if err == nil {
		trust, err = trust.WithEarlier(earlier)
	}
	return &trust, err
}

// present are those of the keys that are of the log of the last one. The others are of logs before it, whose signers have certified
// what was removed in their time.
func present(keys []string) (logs, earlier []string) {
	name := func(key string) string { return strings.Split(strings.TrimSpace(key), "+")[0] }
	for _, key := range keys {
		if name(key) == name(keys[len(keys)-1]) {
			logs = append(logs, key)
		} else {
			earlier = append(earlier, key)
		}
	}
	return logs, earlier
}

// keyFileMax is how large a file with keys may be, in bytes.
const keyFileMax = 64 << 10

// keys are what was given: keys, which have two plus signs, or files with keys.
func keys(given []string) ([]string, error) {
	var all []string
	for _, one := range given {
		if strings.Count(one, "+") >= 2 {
			all = append(all, one)
			continue
		}
		info, err := os.Stat(one)
		if err != nil {
			return nil, err
		}
		if info.Size() > keyFileMax {
			return nil, fmt.Errorf("%s: %w", one, checkpoint.ErrKey)
		}
		text, err := os.ReadFile(one)
		if err != nil {
			return nil, err
		}
		found := strings.Fields(string(text))
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: %w", one, checkpoint.ErrKey)
		}
		all = append(all, found...)
	}
	return all, nil
}

// verdicts say what a report comes to.
var verdicts = map[verifier.Verdict]string{
	verifier.Intact:     "INTACT: every entry is as the log signed it.",
	verifier.Tampered:   "TAMPERED WITH: this is not what the log signed. What was found stands above.",
	verifier.Incomplete: "INCOMPLETE: nothing was found that was changed, but not everything could be verified. What lacks stands above.",
}

func printReport(std streams, r *verifier.Report, files int) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s "+format+"\n", append([]any{name + ":"}, args...)...)
	}
	line("Log", "%s", r.Origin)
	line("Entries", "%s in %s; %d read", span(r.Start, r.End), count(files, "file"), r.Entries)
	if r.Trusted > r.Start {
		line("Proven", "%s, by %s; the last has root %s", span(r.Start, r.Trusted), count(int(r.Checkpoints), "checkpoint"), r.Last.Root)
	}
	for _, c := range r.Last.Cosignatures {
		line("Witness", "%s, which saw the last checkpoint at %s", c.Witness, c.At.Format(time.RFC3339))
	}
	if r.Pruned+r.PersonalPruned > 0 {
		line("Pruned", "%d entries, and of %d the personal data, as certificates in the log allow", r.Pruned, r.PersonalPruned)
	}
	if r.Compared {
		line("Compared", "with what was seen earlier; nothing of that was changed")
	}
	b.WriteString("\n")
	for _, f := range r.Findings {
		mark := "LACKS"
		if f.Tampered() {
			mark = "TAMPERED"
		}
		fmt.Fprintf(&b, "%-9s %s\n", mark, f)
	}
	if r.Unlisted > 0 {
		fmt.Fprintf(&b, "%-9s %d findings more\n", "", r.Unlisted)
	}
	if len(r.Findings) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(verdicts[r.Verdict()] + "\n")
	_, err := fmt.Fprint(std.out, b.String())
	return err
}

func span(start, end int64) string {
	switch {
	case end <= start:
		return "none"
	case end == start+1:
		return fmt.Sprintf("entry %d", start)
	default:
		return fmt.Sprintf("%d to %d", start, end-1)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

type findingJSON struct {
	Code     verifier.Code `json:"code"`
	Tampered bool          `json:"tampered"`
	Start    int64         `json:"start"`
	End      int64         `json:"end"`
	File     string        `json:"file,omitzero"`
	Line     int           `json:"line,omitzero"`
	Text     string        `json:"text"`
}

// printReportJSON prints the same for programs; ranges are half open.
func printReportJSON(std streams, r *verifier.Report, files int) error {
	findings := []findingJSON{}
	for _, f := range r.Findings {
		findings = append(findings, findingJSON{f.Code, f.Tampered(), f.Start, f.End, f.File, f.Line, f.String()})
	}
	return json.MarshalWrite(std.out, struct {
		Verdict     int           `json:"verdict"`
		Log         string        `json:"log"`
		Files       int           `json:"files"`
		Start       int64         `json:"start"`
		End         int64         `json:"end"`
		Proven      int64         `json:"proven"`
		Root        string        `json:"root"`
		Witnessed   int64         `json:"witnessed"`
		Checkpoints int64         `json:"checkpoints"`
		Pruned      int64         `json:"pruned"`
		Compared    bool          `json:"compared"`
		Findings    []findingJSON `json:"findings"`
		Unlisted    int           `json:"unlisted"`
	}{int(r.Verdict()), r.Origin, files, r.Start, r.End, r.Trusted, r.Last.Root.String(), r.Witnessed, r.Checkpoints, r.Pruned, r.Compared, findings, r.Unlisted})
}
