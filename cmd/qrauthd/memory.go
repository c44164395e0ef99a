package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
)

// A collection costs what is alive, and comes as often as the headroom is used up that
// Go leaves it. By itself Go leaves as much as is alive (GOGC=100): for a server that
// has just started that is a few megabytes, and a collection every few milliseconds;
// for one with fifty thousand desktops waiting it is a third of its memory.
const (
	// headroom is what may be allocated from one collection to the next, in bytes,
	// whatever is alive within the two bounds below.
	headroom = 24 << 20
	// leastGOGC keeps the collector from running all the time where much is alive.
	// mostGOGC bounds by how much it is late when a crowd comes between two collections.
	leastGOGC, mostGOGC = 50, 400
)

// gogc is the percentage that leaves the headroom beside so many live bytes.
func gogc(live uint64) int {
	percent := float64(headroom) * 100 / float64(max(live, 1))
	return int(math.Round(min(max(percent, leastGOGC), mostGOGC)))
}

// paceCollector keeps the collector's headroom the same while what is alive grows and
// shrinks, for as long as the process lives. It leaves alone who has set GOGC or
// GOMEMLIMIT.
func paceCollector(environ []string) {
	if slices.ContainsFunc(environ, tunesCollector) {
		return
	}
	p := pacer{percent: 100}
	p.adjust()
	afterEachCollection(p.adjust)
}

func tunesCollector(variable string) bool {
	name, value, _ := strings.Cut(variable, "=")
	return (name == "GOGC" || name == "GOMEMLIMIT") && value != ""
}

// pacer belongs to one goroutine at a time.
type pacer struct{ percent int }

// adjust sets the percentage for what is alive now. To set it stops the world for a
// moment, so it is left where it is while that is nearly right.
func (p *pacer) adjust() {
	if next := gogc(live()); worthwhile(p.percent, next) {
		p.percent = next
		debug.SetGCPercent(next)
	}
}

// worthwhile reports whether the headroom would become another by an eighth or more.
func worthwhile(percent, next int) bool {
	return 8*max(next-percent, percent-next) >= percent
}

// live is what the last collection found alive: objects and stacks and globals, since
// GOGC is a percentage of all three.
func live() (bytes uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		bytes += s.Value.Uint64()
	}
	return bytes
}

// afterEachCollection calls f after each collection: a new object is unreachable at
// once, and found to be so by the next one.
func afterEachCollection(f func()) {
	runtime.AddCleanup(new(sentinel), func(f func()) {
		f()
		afterEachCollection(f)
	}, f)
}

// sentinel is too big to share its memory with another small object, which might live.
type sentinel [16]byte
