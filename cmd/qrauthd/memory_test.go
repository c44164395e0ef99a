package main

import (
	"runtime"
	"testing"
)

func TestTheCollectorsHeadroomIsTheSameWhateverIsAlive(t *testing.T) {
	for _, live := range []uint64{6 << 20, 10 << 20, 24 << 20, 48 << 20} {
		got := live * uint64(gogc(live)) / 100
		if got < headroom*99/100 || got > headroom*101/100 {
			t.Errorf("beside %d bytes: got a headroom of %d, want about %d", live, got, headroom)
		}
	}
}

func TestTheCollectorIsKeptFromExtremes(t *testing.T) {
	tests := []struct {
		name string
		live uint64
		want int
	}{
		{"nothing is known yet", 0, mostGOGC},
		{"a server that has just started", 4 << 20, mostGOGC},
		{"as much as the headroom", headroom, 100},
		{"twice the headroom", 2 * headroom, leastGOGC},
		{"a hundred thousand desktops", 1 << 30, leastGOGC},
		{"more than any machine has", 1 << 63, leastGOGC},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := gogc(tt.live); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestTheWorldIsNotStoppedForTrifles(t *testing.T) {
	tests := []struct {
		percent, next int
		want          bool
	}{
		{100, 100, false},
		{100, 112, false},
		{100, 113, true},
		{100, 87, true},
		{100, 88, false},
		{leastGOGC, mostGOGC, true},
	}
	for _, tt := range tests {
		if got := worthwhile(tt.percent, tt.next); got != tt.want {
			t.Errorf("from %d to %d: got %t, want %t", tt.percent, tt.next, got, tt.want)
		}
	}
}

func TestWhoeverTunesTheCollectorIsLeftAlone(t *testing.T) {
	tests := []struct {
		variable string
		want     bool
	}{
		{"GOGC=50", true},
		{"GOGC=off", true},
		{"GOMEMLIMIT=200MiB", true},
		{"GOGC=", false}, // as good as not set, to the runtime as well
		{"GOGCX=50", false},
		{"QRAUTHD_DATA=GOGC=50", false},
	}
	for _, tt := range tests {
		if got := tunesCollector(tt.variable); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.variable, got, tt.want)
		}
	}
}

func TestEachCollectionIsHeardOf(t *testing.T) {
	heard := make(chan struct{}, 1)
	afterEachCollection(func() {
		select {
		case heard <- struct{}{}:
		default: // the test is over
		}
	})
	for range 3 {
		runtime.GC()
		<-heard
	}
}
