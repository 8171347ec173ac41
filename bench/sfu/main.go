// Command sfu compares how many packets a CPU-second forwards: our media engine and a stock LiveKit server of the same version,
// each in a process of its own, on loopback, in one run with the order rotated.
//
// 3 videos and 10 sounds go to 50 receivers. The figures are for comparison with each other only:
// the load runs on the same machine and takes CPU from the servers, but none of it is counted to them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"konklave/bench/load"
)

const (
	videos    = 3
	sounds    = 10
	receivers = 50
	// What a receiver gets a second: 180 packets of each video and 50 of each sound.
	perReceiver = videos*180 + sounds*50
	runLimit    = 2 * time.Minute
)

// result is one measurement.
type result struct {
	packets uint64
	cpu     time.Duration
	memory  int64
}

func (r result) rate() float64 { return float64(r.packets) / r.cpu.Seconds() }

func main() {
	rounds := flag.Int("rounds", 3, "measurements of each server")
	window := flag.Duration("window", 8*time.Second, "length of one measurement")
	serve := flag.String("serve", "", "run this server, konklave or livekit, and nothing else")
	flag.Parse()
	var err error
	if *serve != "" {
		err = runServer(*serve)
	} else {
		err = compare(*rounds, *window)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sfu:", err)
		os.Exit(1)
	}
}

func compare(rounds int, window time.Duration) error {
	fmt.Printf("%d videos and %d sounds to %d receivers, %v each, loopback\n", videos, sounds, receivers, window)
	results := make(map[string][]result)
	for i := range rounds {
		order := []string{"konklave", "livekit"}
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, name := range order {
			r, err := measure(name, window)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			results[name] = append(results[name], r)
			fmt.Printf("%-9s %6.1f k packets/s  %4.2f cores  %6.1f k packets/CPU-s  %4d MB\n", name,
				float64(r.packets)/window.Seconds()/1000, r.cpu.Seconds()/window.Seconds(), r.rate()/1000, r.memory>>20)
		}
	}
	ours, theirs := median(results["konklave"]), median(results["livekit"])
	fmt.Printf("median: konklave %.1f k, livekit %.1f k packets per CPU-second; ratio %.2f\n", ours/1000, theirs/1000, ours/theirs)
	return nil
}

func median(results []result) float64 {
	var rates []float64
	for _, r := range results {
		rates = append(rates, r.rate())
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}

// measure starts a server, puts the load on it and measures once.
func measure(name string, window time.Duration) (result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	var g greeting
	server, err := load.Start(ctx, &g, "-serve", name)
	if err != nil {
		return result{}, err
	}
	defer server.Stop()
	crowd, err := load.Join(ctx, g.peers())
	if err != nil {
		return result{}, err
	}
	defer crowd.Close()
	const almost = 0.95
	if err := crowd.WaitRate(ctx, almost*perReceiver*receivers); err != nil {
		return result{}, err
	}
	var r result
	if r.packets, r.cpu, err = crowd.Measure(ctx, server.PID(), window); err != nil {
		return result{}, err
	}
	r.memory, err = load.Memory(server.PID())
	return r, err
}
