package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const envPrefix = "KONKLAVE_"

// envFile names the environment variable of the file's path.
const envFile = envPrefix + "CONFIG"

// MaxFileBytes is the largest configuration file that is read.
const MaxFileBytes = 1 << 20

// SourceDefault is the source of a setting that nobody set.
const SourceDefault = "default"

// serviceLink matches the variables that Kubernetes sets in every container for a service called konklave.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_[A-Z]+)?)?)$`)

// Loaded is a configuration and where each setting came from.
type Loaded struct {
	Config
	Sources map[string]string // by key: SourceDefault, FILE:LINE, the variable or the flag
}

// Load reads file, environment (as os.Environ gives it) and flags over the defaults, and validates the result.
// The error joins one error for each mistake; the returned configuration then holds what could be read.
func Load(flags Flags, environ []string) (Loaded, error) {
	loaded := Loaded{Config: Default(), Sources: map[string]string{keyProviders: SourceDefault}}
	var mistakes []error
	var entries []entry

	env, unknown := environment(environ)
	mistakes = append(mistakes, unknown...)
	if path := filePath(flags, environ); path != "" {
		file, wrong := readFile(path)
		entries, loaded.Identity = append(entries, file.entries...), file.identity
		if file.providers != "" {
			loaded.Sources[keyProviders] = file.providers
		}
		mistakes = append(mistakes, wrong...)
	}
	entries = append(entries, env...)
	given := flags.given()
	for _, s := range Settings() {
		loaded.Sources[s.Key] = SourceDefault
		if text, ok := given[s.Key]; ok {
			entries = append(entries, entry{s.Key, text, s.Flag()})
		}
	}
	mistakes = append(mistakes, loaded.apply(entries)...)
	if own := ownAddress(); loaded.Sources["media.addresses"] == SourceDefault && own != nil {
		loaded.Media.Addresses = own
	}
	mistakes = append(mistakes, loaded.contradictions(loaded.Sources)...)
	return loaded, errors.Join(mistakes...)
}

// apply sets the entries in order; a later one wins.
func (l *Loaded) apply(entries []entry) []error {
	last := map[string]entry{}
	for _, e := range entries {
		last[e.key] = e
	}
	var mistakes []error
	for _, s := range Settings() {
		e, ok := last[s.Key]
		if !ok {
			continue
		}
		l.Sources[s.Key] = e.where
		if err := s.at(&l.Config).set(e.text); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s (%s) %w", s.Key, e.where, err))
		}
	}
	return mistakes
}

// environment returns the entries among the variables, and a mistake for each KONKLAVE_ variable that is no setting.
func environment(environ []string) ([]entry, []error) {
	byEnv := map[string]string{}
	for _, s := range Settings() {
		byEnv[s.Env()] = s.Key
	}
	var entries []entry
	var mistakes []error
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix) || name == envFile {
			continue
		}
		if key, ok := byEnv[name]; ok {
			entries = append(entries, entry{key, text, name})
		} else if !serviceLink.MatchString(name) {
			mistakes = append(mistakes, fmt.Errorf("the environment variable %s is not a setting; `konklave config example` lists all", name))
		}
	}
	return entries, mistakes
}

func filePath(flags Flags, environ []string) string {
	if flags.File != "" {
		return flags.File
	}
	for _, pair := range environ {
		if path, ok := strings.CutPrefix(pair, envFile+"="); ok {
			return path
		}
	}
	return ""
}

func readFile(path string) (contents, []error) {
	info, err := os.Stat(path)
	if err != nil {
		return contents{}, []error{fmt.Errorf("the configuration file cannot be read: %w", err)}
	}
	if info.Size() > MaxFileBytes {
		return contents{}, []error{fmt.Errorf("the configuration file %s is larger than %d bytes", path, MaxFileBytes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return contents{}, []error{fmt.Errorf("the configuration file cannot be read: %w", err)}
	}
	return parseFile(filepath.Base(path), data)
}
