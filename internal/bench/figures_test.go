package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestASpreadIsTheMedianAndTheEnds(t *testing.T) {
	for _, tc := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{4}, Spread{4, 4, 4}},
		{[]float64{3, 1}, Spread{2, 1, 3}},
		{[]float64{9, 1, 2}, Spread{2, 1, 9}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1, 4}},
	} {
		if got := over(tc.values); got != tc.want {
			t.Errorf("%v: got %+v, want %+v", tc.values, got, tc.want)
		}
	}
}

func TestAFigureBesideItsGoal(t *testing.T) {
	for _, tc := range []struct {
		name       string
		f          Figure
		goal, mark string
	}{
		{"without one", Figure{Spread: only(3), Better: lower}, "", ""},
		{"as small as it should be", Figure{Spread: only(12), Better: lower, Goal: 12}, "≤ 12", "met"},
		{"larger than it should be", Figure{Spread: only(12.1), Better: lower, Goal: 12}, "≤ 12", "MISSED"},
		{"as large as it should be", Figure{Spread: only(0.25), Better: higher, Goal: 0.25}, "≥ 0.25", "met"},
		{"smaller than it should be", Figure{Spread: Spread{0.24, 0.2, 0.3}, Better: higher, Goal: 0.25}, "≥ 0.25", "MISSED"},
	} {
		if got := [2]string{goal(tc.f), mark(tc.f)}; got != [2]string{tc.goal, tc.mark} {
			t.Errorf("%s: got %q, want %q and %q", tc.name, got, tc.goal, tc.mark)
		}
	}
}

func TestAChangeCountsBeyondTheSpreadOnly(t *testing.T) {
	rate := func(median, low, high float64) Figure {
		return Figure{Spread: Spread{median, low, high}, Better: higher}
	}
	once := func(v float64) Figure { return Figure{Spread: only(v), Better: lower} }
	for _, tc := range []struct {
		name        string
		before, now Figure
		want        string
	}{
		{"slower, within the spread", rate(10, 8, 12), rate(9, 7, 10), ""},
		{"slower than ever", rate(10, 8, 12), rate(7, 6, 7.5), "WORSE"},
		{"faster than ever", rate(10, 8, 12), rate(14, 13, 15), "better"},
		{"measured once, a little more", once(100), once(109), ""},
		{"measured once, much more", once(100), once(120), "WORSE"},
		{"measured once, much less", once(100), once(80), "better"},
		{"neither is better", Figure{Spread: only(1)}, Figure{Spread: only(9)}, ""},
	} {
		if got := verdict(tc.before, tc.now); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.2345: "0.234", 12.345: "12.3", 99.96: "100", 123.4: "123", 41234.6: "41235", -3.14159: "-3.14", -1234: "-1234", 0.00004: "4e-05"} {
		if got := short(v); got != want {
			t.Errorf("%g: got %s, want %s", v, got, want)
		}
	}
}

// sample is a report with something of each kind.
func sample() *Report {
	r := &Report{
		Date: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Commit: "0123456789ab", ProofCost: 60,
		Machine: Machine{"Fast CPU", 2, "linux 6.1", "go1.26", "ext4"}, Amounts: brief,
		Rates: []Rate{
			{Name: "yardstick", Ratio: only(1), PerSecond: Spread{40_000, 39_000, 41_000}},
			{Name: "starts", Goal: 0.25, Ratio: Spread{0.2, 0.18, 0.22}, PerSecond: only(8000)},
		},
		Latencies: []Latency{{Name: "tokens, 10000 waiting", Count: 500, Median: 0.9, P99: 6, Slowest: 9, GoalMedian: 1, GoalP99: 5}},
		Sections:  []Section{{Title: sectionStart}, {Title: sectionMemory}},
	}
	r.add(sectionMemory, Figure{Name: "a waiting desktop", Unit: "KiB", Spread: only(10), Better: lower, Goal: 12, Note: "of 10000"})
	return r
}

func TestTheReportPutsRatiosFirst(t *testing.T) {
	var b strings.Builder
	if err := sample().print(&b); err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{
		"0123456789ab", "2026-03-01 12:00 UTC", "2 × Fast CPU, linux 6.1, go1.26, databases on ext4",
		"ratio", "starts", "0.2 ", "0.18–0.22", "≥ 0.25  MISSED", "proof costs the desktop 60 µs",
		"tokens, 10000 waiting", "≤ 1", "met", "≤ 5", "MISSED",
		"Memory and waiting desktops.", "a waiting desktop", "10", "KiB", "≤ 12", "met", "of 10000",
	} {
		i := strings.Index(b.String()[at+1:], want)
		if i < 0 {
			t.Fatalf("%q does not come where it should:\n%s", want, b.String())
		}
		at += 1 + i
	}
	for _, never := range []string{"Start and size", "NOT COMPLETE", "in memory, where"} {
		if strings.Contains(b.String(), never) {
			t.Errorf("it says %q", never)
		}
	}
	if got := sample().missed(); got != 2 {
		t.Errorf("got %d goals missed, want 2", got)
	}
}

func TestTheReportWarns(t *testing.T) {
	r := sample()
	r.Partial, r.Machine.Disk = true, "tmpfs"
	var b strings.Builder
	if err := r.print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NOT COMPLETE", "in memory, where a commit costs no disk"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

func TestASavedReportIsTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder", "bench.json")
	if err := sample().save(file); err != nil {
		t.Fatal(err)
	}
	got, err := settings{compare: file}.saved()
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	for i := range want.Sections {
		if want.Sections[i].Figures == nil {
			got.Sections[i].Figures = nil
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAComparisonSaysWhatBecameWorse(t *testing.T) {
	after := sample()
	after.Rates[1].Ratio = Spread{0.1, 0.09, 0.11}
	after.Machine.CPU = "Slow CPU"
	after.Latencies[0].Name = "what was not measured then"
	var b strings.Builder
	if err := compare(&b, *sample(), *after); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"another machine", "0.2 (0.18–0.22)", "0.1 (0.09–0.11)", "-50.0 %", "WORSE"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "not measured then") {
		t.Error("it compares with what there was not")
	}
}

func TestMemoryIsFlatOrNot(t *testing.T) {
	for name, tc := range map[string]struct {
		samples []float64
		want    string
	}{
		"it stays": {[]float64{20, 90, 60, 61, 60, 60, 61, 60, 60, 60, 61, 60}, "met"},
		"it grows": {[]float64{20, 30, 60, 62, 64, 66, 68, 70, 72, 74, 76, 78}, "MISSED"},
	} {
		b := &bench{report: &Report{Sections: []Section{{Title: sectionMemory}}}}
		if err := b.flatness(tc.samples); err != nil {
			t.Fatal(err)
		}
		if got := mark(b.report.Sections[0].Figures[0]); got != tc.want {
			t.Errorf("%s: got %s, want %s: %+v", name, got, tc.want, b.report.Sections[0].Figures[0])
		}
	}
	if err := new(bench).flatness([]float64{1, 2}); err == nil {
		t.Error("two samples are taken for a minute")
	}
}
