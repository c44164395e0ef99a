package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Report is what a run has found out.
type Report struct {
	Date    time.Time `json:"date"`
	Partial bool      `json:"partial,omitempty"` // something could not be measured
	Commit  string    `json:"commit"`            // of the server
	Machine Machine   `json:"machine"`
	Amounts amounts   `json:"amounts"`

	Rates     []Rate    `json:"rates"`
	ProofCost float64   `json:"proof_cost_us"` // of one DPoP proof, to the desktop
	Latencies []Latency `json:"latencies"`
	Sections  []Section `json:"sections"`
}

// Rate is how often something can be asked in a second, and what it costs.
type Rate struct {
	Name      string  `json:"name"`
	Goal      float64 `json:"goal,omitempty"` // the least ratio
	Ratio     Spread  `json:"ratio"`          // to the yardstick
	PerSecond Spread  `json:"per_second"`
	Median    Spread  `json:"median_ms"`
	P99       Spread  `json:"p99_ms"`
	Slowest   Spread  `json:"slowest_ms"`
	CPU       Spread  `json:"cpu_us"`       // of the server, an operation
	Cost      Spread  `json:"cost"`         // of the yardstick beside that of the server, in CPU
	Generator Spread  `json:"generator_us"` // what asking costs on the same processors
}

// Latency is how long something takes that is done one after the other.
type Latency struct {
	Name       string  `json:"name"`
	Count      int     `json:"count"`
	Median     float64 `json:"median_ms"`
	P99        float64 `json:"p99_ms"`
	Slowest    float64 `json:"slowest_ms"`
	GoalMedian float64 `json:"goal_median_ms,omitempty"`
	GoalP99    float64 `json:"goal_p99_ms,omitempty"`
}

// Section is figures that belong together.
type Section struct {
	Title   string   `json:"title"`
	Figures []Figure `json:"figures"`
}

// Titles of the sections.
const (
	sectionMemory = "memory and waiting desktops"
	sectionStart  = "start and size"
	sectionGrowth = "growth of the database"
)

// direction says what makes a figure a better one.
type direction string

const (
	lower  direction = "lower"
	higher direction = "higher"
)

// Figure is one that was measured, and perhaps what it should be.
type Figure struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Spread
	Better direction `json:"better,omitempty"` // empty: neither
	Goal   float64   `json:"goal,omitempty"`   // 0: none
	Note   string    `json:"note,omitempty"`
}

// judged reports whether the figure has a goal, and whether it reaches it.
func (f Figure) judged() (has, met bool) {
	switch {
	case f.Goal == 0:
		return false, false
	case f.Better == higher:
		return true, f.Median >= f.Goal
	}
	return true, f.Median <= f.Goal
}

// all is every figure on its own, under a name of its own.
func (r *Report) all() (list []Figure) {
	for _, m := range r.Rates {
		list = append(list, m.figures()...)
	}
	for _, l := range r.Latencies {
		list = append(list, l.figures()...)
	}
	for _, s := range r.Sections {
		list = append(list, s.Figures...)
	}
	return list
}

func (m Rate) figures() []Figure {
	return []Figure{
		{Name: m.Name + ": ratio to the yardstick", Spread: m.Ratio, Better: higher, Goal: m.Goal},
		{Name: m.Name + ": rate", Unit: "/s", Spread: m.PerSecond, Better: higher},
		{Name: m.Name + ": median", Unit: "ms", Spread: m.Median, Better: lower},
		{Name: m.Name + ": 99th", Unit: "ms", Spread: m.P99, Better: lower},
		{Name: m.Name + ": ratio of CPU", Spread: m.Cost, Better: higher},
		{Name: m.Name + ": CPU", Unit: "µs", Spread: m.CPU, Better: lower},
	}
}

func (l Latency) figures() []Figure {
	return []Figure{
		{Name: l.Name + ": median", Unit: "ms", Spread: only(l.Median), Better: lower, Goal: l.GoalMedian},
		{Name: l.Name + ": 99th", Unit: "ms", Spread: only(l.P99), Better: lower, Goal: l.GoalP99},
	}
}

// missed is how many goals were not reached.
func (r *Report) missed() (n int) {
	for _, f := range r.all() {
		if has, met := f.judged(); has && !met {
			n++
		}
	}
	return n
}

func newReport(now time.Time, b *bench) (*Report, error) {
	commit, version, err := origin(b.binary)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.binary, err)
	}
	r := &Report{Date: now.UTC().Truncate(time.Second), Commit: cmp.Or(commit, b.commit, "of unknown commit"), Machine: thisMachine(version, b.folder), Amounts: b.amounts}
	for _, title := range []string{sectionMemory, sectionStart, sectionGrowth} {
		r.Sections = append(r.Sections, Section{Title: title})
	}
	return r, nil
}

// add puts figures into the section of that title.
func (r *Report) add(title string, list ...Figure) {
	for i := range r.Sections {
		if s := &r.Sections[i]; s.Title == title {
			s.Figures = append(s.Figures, list...)
		}
	}
}

// save writes the report for a later comparison.
func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// saved reads the report that is to be compared with; nil when there is to be none.
func (s settings) saved() (*Report, error) {
	if s.compare == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.compare)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s is no saved run: %w", s.compare, err)
	}
	return r, nil
}
