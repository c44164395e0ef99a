package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// slack is by what share a figure that was measured once may change without being
// called worse or better.
const slack = 0.1

// compare prints how each figure has changed since the saved run.
func compare(w io.Writer, before, after Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nBeside the run of %s, %s.\n", before.Date.Format("2006-01-02 15:04 MST"), before.Commit)
	if !before.Machine.sameAs(after.Machine) {
		fmt.Fprintf(&b, "That was another machine (%d × %s, %s): only ratios can be compared.\n", before.Machine.Cores, before.Machine.CPU, before.Machine.Disk)
	}
	fmt.Fprintln(&b)
	t := newTable(&b)
	t.row("", "before", "now", "unit", "change", "")
	was := map[string]Figure{}
	for _, f := range before.all() {
		was[f.Name] = f
	}
	for _, f := range after.all() {
		if old, there := was[f.Name]; there {
			t.row(f.Name, span(old.Spread), span(f.Spread), f.Unit, change(old.Median, f.Median), verdict(old, f))
		}
	}
	_ = t.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

func change(before, after float64) string {
	if before == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %%", 100*(after-before)/math.Abs(before))
}

// verdict says whether a figure has changed beyond the spread of the rounds.
func verdict(before, after Figure) string {
	was, is := before.loose(), after.loose()
	switch {
	case after.Better == "" || is.Low <= was.High && was.Low <= is.High:
		return ""
	case (is.Low > was.High) == (after.Better == higher):
		return "better"
	}
	return "WORSE"
}

// loose is the spread, or slack around what was measured once.
func (f Figure) loose() Spread {
	if f.Low != f.High {
		return f.Spread
	}
	by := slack / 2 * math.Abs(f.Median)
	return Spread{f.Median, f.Median - by, f.Median + by}
}
