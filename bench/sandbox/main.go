// Sandbox measures what the walls around a worker cost: per start, in milliseconds, and per packet, as the ratio of processor
// time with and without. A small worker echoes datagrams; runs with and without alternate, so that both meet the same machine.
//
// Build it without cgo, as the product is; as root all layers are measured.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"konklave/sandbox"
)

// limits are the defaults of the product.
func limits() sandbox.Limits { return sandbox.Limits{Memory: 1 << 30, CPUs: 2, Processes: 64} }

// uidBase is away from the product's default, so that a server on this machine is not disturbed.
const uidBase = 64000

func main() {
	pairs := flag.Int("pairs", 10, "how many pairs of runs")
	packets := flag.Int("packets", 50000, "how many packets are echoed in one run")
	flag.Parse()
	run := measure
	if flag.Arg(0) == "worker" {
		run = func(int, int) error { return work() }
	}
	if err := run(*pairs, *packets); err != nil {
		fmt.Fprintln(os.Stderr, "bench/sandbox:", err)
		os.Exit(1)
	}
}

// cost is what one run took.
type cost struct{ start, packet time.Duration }

func measure(pairs, packets int) error {
	dir, err := os.MkdirTemp("", "bench-sandbox")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	b := &bench{dir: dir, packets: packets, command: func() *exec.Cmd {
		cmd := exec.Command(executable, "worker")            //nolint:noctx // the launcher ends it
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a session of its own is no wall, but the scheduler knows the difference
		return cmd
	}}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	walls := func() *sandbox.Sandbox {
		return sandbox.Open(sandbox.Options{UIDBase: uidBase, Limits: limits(), Log: log})
	}
	var with, without []cost
	for i := range pairs {
		for turn := range 2 {
			enclosed := (i+turn)%2 == 0
			var s *sandbox.Sandbox
			if enclosed {
				s = walls()
			}
			c, missing, err := b.run(s)
			if err != nil {
				return err
			}
			if !enclosed {
				without = append(without, c)
				continue
			}
			if i == 0 && len(missing) > 0 {
				fmt.Println("missing here, so not measured:", sandbox.Names(missing))
			}
			with = append(with, c)
		}
		w, o := with[i], without[i]
		fmt.Printf("pair %2d: start %6.1f ms with, %6.1f ms without; packet %6.2f µs with, %6.2f µs without, ratio %.3f\n",
			i+1, millis(w.start), millis(o.start), micros(w.packet), micros(o.packet), ratio(w, o))
	}
	summary(with, without)
	return nil
}

func summary(with, without []cost) {
	var added, ratios []float64
	for i := range with {
		added = append(added, millis(with[i].start-without[i].start))
		ratios = append(ratios, ratio(with[i], without[i]))
	}
	mean, spread := meanAndSpread(ratios)
	slices.Sort(added)
	slices.Sort(ratios)
	last := len(ratios) - 1
	fmt.Printf("start: the walls add %.1f ms at the median (%.1f to %.1f)\n", added[len(added)/2], added[0], added[last])
	fmt.Printf("packet: with/without %.3f at the median (%.3f to %.3f), mean %.3f, standard deviation %.3f, standard error %.3f, n=%d\n",
		ratios[len(ratios)/2], ratios[0], ratios[last], mean, spread, spread/math.Sqrt(float64(len(ratios))), len(ratios))
}

func ratio(with, without cost) float64 { return float64(with.packet) / float64(without.packet) }
func millis(d time.Duration) float64   { return float64(d) / float64(time.Millisecond) }
func micros(d time.Duration) float64   { return float64(d) / float64(time.Microsecond) }

// meanAndSpread is the mean and the standard deviation of a sample.
func meanAndSpread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(max(1, len(values)-1)))
}
