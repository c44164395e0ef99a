package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table collects the lines of a table, and the first fault of printing it.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table {
	return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
}

// row adds a line.
func (t table) row(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }

// print prints the report: ratios first.
func (r *Report) print(w io.Writer) error {
	var b strings.Builder
	r.head(&b)
	r.rates(&b)
	r.latencies(&b)
	for _, s := range r.Sections {
		s.print(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) head(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "qrauthd %s, %s\n", r.Commit, r.Date.Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(w, "%d × %s, %s, %s, databases on %s\n", m.Cores, m.CPU, m.Kernel, m.Go, m.Disk)
	if r.Partial {
		fmt.Fprintln(w, "THIS RUN IS NOT COMPLETE: something failed.")
	}
	if m.Disk == "tmpfs" {
		fmt.Fprintln(w, "The databases are in memory, where a commit costs no disk: name a folder on one with -data.")
	}
}

func (r *Report) rates(w io.Writer) {
	if len(r.Rates) == 0 {
		return
	}
	fmt.Fprintf(w, "\nRates of %d clients on HTTP/1.1 keep-alive, as a ratio to the yardstick: medians of %d rounds.\n\n", r.Amounts.Clients, r.Amounts.Rounds)
	t := newTable(w)
	t.row("", "ratio", "low–high", "goal", "", "a second", "median ms", "99th ms", "slowest ms", "CPU µs", "ratio of CPU", "generator µs")
	for _, m := range r.Rates {
		f := m.figures()[0]
		t.row(m.Name, short(m.Ratio.Median), short(m.Ratio.Low)+"–"+short(m.Ratio.High), goal(f), mark(f), short(m.PerSecond.Median),
			short(m.Median.Median), short(m.P99.Median), short(m.Slowest.Median), short(m.CPU.Median), short(m.Cost.Median), short(m.Generator.Median))
	}
	_ = t.Flush() // into memory
	if r.ProofCost > 0 {
		fmt.Fprintf(w, "A DPoP proof costs the desktop %s µs besides; those of dpop-refreshes were made before.\n", short(r.ProofCost))
	}
}

func (r *Report) latencies(w io.Writer) {
	if len(r.Latencies) == 0 {
		return
	}
	fmt.Fprint(w, "\nLatencies in ms, one after the other.\n\n")
	t := newTable(w)
	t.row("", "median", "goal", "", "99th", "goal", "", "slowest", "of")
	for _, l := range r.Latencies {
		f := l.figures()
		t.row(l.Name, short(l.Median), goal(f[0]), mark(f[0]), short(l.P99), goal(f[1]), mark(f[1]), short(l.Slowest), strconv.Itoa(l.Count))
	}
	_ = t.Flush()
}

func (s Section) print(w io.Writer) {
	if len(s.Figures) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n\n", strings.ToUpper(s.Title[:1])+s.Title[1:]+".")
	t := newTable(w)
	t.row("", "", "unit", "goal", "", "")
	for _, f := range s.Figures {
		t.row(f.Name, span(f.Spread), f.Unit, goal(f), mark(f), f.Note)
	}
	_ = t.Flush()
}

// span is the median, and between what it lies.
func span(s Spread) string {
	if s.Low == s.High {
		return short(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", short(s.Median), short(s.Low), short(s.High))
}

func goal(f Figure) string {
	switch {
	case f.Goal == 0:
		return ""
	case f.Better == higher:
		return "≥ " + short(f.Goal)
	}
	return "≤ " + short(f.Goal)
}

func mark(f Figure) string {
	switch has, met := f.judged(); {
	case !has:
		return ""
	case met:
		return "met"
	}
	return "MISSED"
}

// short writes three significant digits, and whole numbers from 100 on.
func short(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v == 0:
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
