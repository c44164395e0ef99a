package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pieces remembers what was written, each piece for itself.
type pieces struct {
	mu   sync.Mutex
	list []string // guarded by mu
	fail error
}

func (p *pieces) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, string(b))
	return len(b), p.fail
}

// words are the messages that are out, and each piece's with commas in between.
func (p *pieces) words() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, piece := range p.list {
		var words []string
		for line := range strings.Lines(piece) {
			_, word, _ := strings.Cut(strings.TrimSpace(line), "msg=")
			words = append(words, word)
		}
		all = append(all, strings.Join(words, ","))
	}
	return strings.Join(all, " ")
}

// logged runs the test with a log in the bubble of its time.
func logged(t *testing.T, test func(t *testing.T, log *slog.Logger, out *pieces, flush func())) {
	synctest.Test(t, func(t *testing.T) {
		out := new(pieces)
		log, flush := newLog(out, config{})
		test(t, log, out, flush)
		synctest.Wait()
	})
}

func TestWhatComesAfterASilenceIsLoggedAtOnce(t *testing.T) {
	logged(t, func(t *testing.T, log *slog.Logger, out *pieces, _ func()) {
		log.Info("a")
		time.Sleep(2*gatherFor + 1)
		log.Info("b")
		if got := out.words(); got != "a b" {
			t.Errorf("got %q, want both", got)
		}
		time.Sleep(10 * gatherFor)
		if got := out.words(); got != "a b" {
			t.Errorf("after a while: got %q, want each once", got)
		}
	})
}

func TestABurstIsLoggedInPiecesAndInTime(t *testing.T) {
	logged(t, func(t *testing.T, log *slog.Logger, out *pieces, _ func()) {
		for _, word := range []string{"a", "b", "c"} {
			log.Info(word)
		}
		if got := out.words(); got != "a" {
			t.Errorf("at once: got %q, want the first", got)
		}
		time.Sleep(gatherFor)
		synctest.Wait()
		if got := out.words(); got != "a b,c" {
			t.Errorf("in time: got %q, want the others in one piece", got)
		}
		log.Info("d")
		time.Sleep(gatherFor)
		synctest.Wait()
		if got := out.words(); got != "a b,c d" {
			t.Errorf("later: got %q, want all", got)
		}
	})
}

func TestAWarningTakesAlongWhatCameBefore(t *testing.T) {
	for name, say := range map[string]func(*slog.Logger){
		"a warning":                   func(l *slog.Logger) { l.Warn("c") },
		"an error":                    func(l *slog.Logger) { l.Error("c") },
		"one of a log with more said": func(l *slog.Logger) { l.With("k", "v").WithGroup("g").Warn("c") },
	} {
		t.Run(name, func(t *testing.T) {
			logged(t, func(t *testing.T, log *slog.Logger, out *pieces, _ func()) {
				log.Info("a")
				log.Info("b")
				say(log)
				if got := out.words(); !strings.HasPrefix(got, "a b,c") {
					t.Errorf("got %q, want all at once", got)
				}
			})
		})
	}
}

func TestWhatIsHeldBackIsBounded(t *testing.T) {
	logged(t, func(t *testing.T, log *slog.Logger, out *pieces, flush func()) {
		word := strings.Repeat("x", 1000)
		for range 3 * gatherMost / len(word) {
			log.Info(word)
		}
		if got := len(out.words()); got < 2*gatherMost {
			t.Errorf("got %d bytes out of %d, want all but the last piece", got, 3*gatherMost)
		}
		flush()
		if got := strings.Count(out.words(), word); got != 3*gatherMost/len(word) {
			t.Errorf("after flush: got %d lines, want all", got)
		}
	})
}

func TestNoLineIsLostOrMovedAtTheEnd(t *testing.T) {
	var out bytes.Buffer
	log, flush := newLog(&out, config{})
	const each = 2000
	var work sync.WaitGroup
	for _, who := range []string{"ada", "bob"} {
		work.Go(func() {
			for n := range each {
				log.Info(who, "n", n)
			}
		})
	}
	work.Wait()
	flush()
	next := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var who string
		var n int
		if _, err := fmt.Sscanf(line[strings.Index(line, "msg="):], "msg=%s n=%d", &who, &n); err != nil || n != next[who] {
			t.Fatalf("got %q, %v, want number %d", line, err, next[who])
		}
		next[who]++
	}
	if next["ada"] != each || next["bob"] != each {
		t.Errorf("got %v lines, want %d of each", next, each)
	}
}

func TestAPanicLosesNoLine(t *testing.T) {
	logged(t, func(t *testing.T, _ *slog.Logger, out *pieces, _ func()) {
		func() {
			defer func() { _ = recover() }()
			log, flush := newLog(out, config{})
			defer flush()
			log.Info("a")
			log.Info("b")
			panic("oh")
		}()
		if got := out.words(); got != "a b" {
			t.Errorf("got %q, want both", got)
		}
	})
}

func TestALogThatCannotBeWrittenStopsNobody(t *testing.T) {
	logged(t, func(t *testing.T, log *slog.Logger, out *pieces, flush func()) {
		out.fail = errors.New("disk full")
		log.Info("a")
		log.Info("b")
		time.Sleep(gatherFor)
		log.Error("c")
		out.fail = nil
		log.Info("d")
		flush()
		if got := out.words(); !strings.HasSuffix(got, "d") {
			t.Errorf("got %q, want the log to go on", got)
		}
	})
}

func TestTheLogHasTheFormAndLevelThatWereAskedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		config config
		want   string
	}{
		"text, from info on":  {config{}, "level=INFO msg=b\n"},
		"JSON, from debug on": {config{LogFormat: "json", LogLevel: slog.LevelDebug}, `"level":"DEBUG","msg":"a"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log, flush := newLog(&out, tc.config)
			log.Debug("a")
			log.Info("b")
			flush()
			if got := out.String(); !strings.Contains(got, tc.want) || strings.Count(got, "\n") > 2 {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
}
