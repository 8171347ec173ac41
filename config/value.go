package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"konklave/audit/checkpoint"
)

// value is one setting's place in a Config, read and written as text.
type value interface {
	set(text string) error // the error completes the sentence "KEY …"
	String() string
}

type textValue struct{ p *string }

func (v textValue) set(text string) error { *v.p = text; return nil }
func (v textValue) String() string        { return *v.p }

// dsnValue hides the password when it is shown.
type dsnValue struct{ textValue }

func (v dsnValue) String() string { return maskDSN(*v.p) }

type choiceValue[T ~string] struct {
	p       *T
	choices []T
}

func (v choiceValue[T]) set(text string) error {
	names := make([]string, len(v.choices))
	for i, c := range v.choices {
		if text == string(c) {
			*v.p = c
			return nil
		}
		names[i] = string(c)
	}
	return fmt.Errorf("is %q, but must be one of %s", text, strings.Join(names, ", "))
}
func (v choiceValue[T]) String() string { return string(*v.p) }

type levelValue struct{ p *slog.Level }

func (v levelValue) set(text string) error {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if text == strings.ToLower(l.String()) {
			*v.p = l
			return nil
		}
	}
	return fmt.Errorf("is %q, but must be one of debug, info, warn, error", text)
}
func (v levelValue) String() string { return strings.ToLower(v.p.String()) }

type intValue[T int | int64] struct{ p *T }

func (v intValue[T]) set(text string) error {
	n, err := strconv.ParseInt(text, 10, 0)
	if err != nil {
		return fmt.Errorf("is %q, but must be a whole number", text)
	}
	*v.p = T(n)
	return nil
}
func (v intValue[T]) String() string { return strconv.FormatInt(int64(*v.p), 10) }

type floatValue struct{ p *float64 }

func (v floatValue) set(text string) error {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("is %q, but must be a number", text)
	}
	*v.p = f
	return nil
}
func (v floatValue) String() string { return strconv.FormatFloat(*v.p, 'g', -1, 64) }

type durationValue struct{ p *time.Duration }

func (v durationValue) set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("is %q, but must be a duration with a unit such as 90s, 5m or 2h", text)
	}
	*v.p = d
	return nil
}
func (v durationValue) String() string { return v.p.String() }

type addressesValue struct{ p *[]netip.Addr }

func (v addressesValue) set(text string) error {
	var addresses []netip.Addr
	for part := range strings.SplitSeq(text, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("contains %q, but every entry must be an IP address", part)
		}
		addresses = append(addresses, a)
	}
	*v.p = addresses
	return nil
}

func (v addressesValue) String() string {
	names := make([]string, len(*v.p))
	for i, a := range *v.p {
		names[i] = a.String()
	}
	return strings.Join(names, ",")
}

// prefixesValue is a list of networks; an address stands for the network that it is alone in.
type prefixesValue struct{ p *[]netip.Prefix }

func (v prefixesValue) set(text string) error {
	*v.p = nil
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		prefix, err := netip.ParsePrefix(part)
		if a, errAddress := netip.ParseAddr(part); errAddress == nil && a.Zone() == "" {
			prefix, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch {
		case err != nil || prefix.Addr().Is4In6():
			return fmt.Errorf("contains %q, but every entry must be an IP address or a network such as 10.0.0.0/24", part)
		case prefix != prefix.Masked():
			return fmt.Errorf("contains %s, which is an address in a network: write %s for the network", part, prefix.Masked())
		}
		*v.p = append(*v.p, prefix)
	}
	return nil
}

func (v prefixesValue) String() string {
	names := make([]string, len(*v.p))
	for i, p := range *v.p {
		names[i] = p.String()
	}
	return strings.Join(names, ",")
}

// MaxWitnesses is how many witnesses may cosign one log.
const MaxWitnesses = 20

// witnessesValue is a list of the public keys of witnesses.
type witnessesValue struct{ p *[]string }

func (v witnessesValue) set(text string) error {
	*v.p = nil
	if text == "" {
		return nil
	}
	names := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		name, err := checkpoint.WitnessName(part)
		switch {
		case err != nil:
			return fmt.Errorf("contains %q, but every entry must be the public key of a witness, as `konklave witness key` prints it", part)
		case names[name]:
			return fmt.Errorf("has two keys of the witness %s", name)
		}
		names[name] = true
		*v.p = append(*v.p, part)
	}
	if len(*v.p) > MaxWitnesses {
		return fmt.Errorf("has %d keys, but at most %d witnesses can cosign", len(*v.p), MaxWitnesses)
	}
	return nil
}

func (v witnessesValue) String() string { return strings.Join(*v.p, ",") }

type portsValue struct{ p *PortRange }

func (v portsValue) set(text string) error {
	first, last, ok := strings.Cut(text, "-")
	if !ok {
		last = first
	}
	f, errFirst := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	l, errLast := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	if errFirst != nil || errLast != nil {
		return fmt.Errorf("is %q, but must be a range of ports such as 40000-40999", text)
	}
	*v.p = PortRange{First: uint16(f), Last: uint16(l)}
	return nil
}
func (v portsValue) String() string { return fmt.Sprintf("%d-%d", v.p.First, v.p.Last) }
