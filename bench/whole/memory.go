package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryOf reads the memory in MiB of the newest child of parent that runs a verb: private pages, and those plus its share
// of what it has in common with others (proportional set size).
func memoryOf(parent int, verb string) (own, share float64, err error) {
	newest := 0
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid > newest && isChild(pid, parent, verb) {
			newest = pid
		}
	}
	if newest == 0 {
		return 0, 0, fmt.Errorf("no process %q", verb)
	}
	return memoryOfProcess(newest)
}

func memoryOfProcess(pid int) (own, share float64, err error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(raw)) {
		var name string
		var kib float64
		if n, _ := fmt.Sscanf(line, "%s %f kB", &name, &kib); n != 2 {
			continue
		}
		switch name {
		case "Private_Clean:", "Private_Dirty:":
			own += kib / 1024
		case "Pss:":
			share = kib / 1024
		}
	}
	return own, share, nil
}

func isChild(pid, parent int, verb string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return false // ended meanwhile
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || fields[1] != strconv.Itoa(parent) {
		return false
	}
	args := strings.Split(string(cmdline), "\x00")
	return len(args) > 1 && args[1] == verb
}
