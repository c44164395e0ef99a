package clock_test

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// machine is one whose clocks are moved by hand. Elapsed counts from its boot.
type machine struct {
	mu      sync.Mutex
	reading clock.Reading // guarded by mu
}

func newMachine() *machine {
	return &machine{reading: clock.Reading{Wall: noon, Elapsed: 40 * time.Minute}}
}

func (m *machine) read() clock.Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reading
}

// run has time pass, and set has somebody set the wall clock: so does a sleep, in which
// only that one goes on.
func (m *machine) run(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reading.Wall, m.reading.Elapsed = m.reading.Wall.Add(d), m.reading.Elapsed+d
}

func (m *machine) set(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reading.Wall = m.reading.Wall.Add(d)
}

func TestNowFollowsTheWallForwardAndNeverBack(t *testing.T) {
	// step is what happens; the wall clock is set, and then time passes.
	type step struct{ set, run time.Duration }
	tests := []struct {
		name  string
		steps []step
		now   time.Duration // after noon
		wall  time.Duration
	}{
		{"nothing happens", nil, 0, 0},
		{"time passes", []step{{0, time.Minute}}, time.Minute, time.Minute},
		{"an hour back", []step{{-time.Hour, time.Minute}}, time.Minute, time.Minute - time.Hour},
		{"an hour forward", []step{{time.Hour, time.Minute}}, time.Hour + time.Minute, time.Hour + time.Minute},
		{"forward and back", []step{{time.Hour, time.Minute}, {-time.Hour, time.Minute}}, time.Hour + 2*time.Minute, 2 * time.Minute},
		{"back and forth", []step{{-time.Hour, time.Minute}, {time.Hour, time.Minute}}, 2 * time.Minute, 2 * time.Minute},
		{"back, and the next day further", []step{{-time.Hour, 24 * time.Hour}, {-time.Hour, time.Minute}}, 24*time.Hour + time.Minute, 22*time.Hour + time.Minute},
		{"back, and a longer sleep", []step{{-time.Hour, time.Minute}, {8 * time.Hour, time.Minute}}, 7*time.Hour + 2*time.Minute, 7*time.Hour + 2*time.Minute},
		{"a sleep, in which the monotonic clock stands", []step{{8 * time.Hour, 0}}, 8 * time.Hour, 8 * time.Hour},
		{"to before the machine was booted", []step{{-50 * 365 * 24 * time.Hour, time.Minute}}, time.Minute, time.Minute - 50*365*24*time.Hour},
		{"a second is slewed", []step{{time.Millisecond, time.Second}, {-time.Millisecond, time.Second}}, 2*time.Second + time.Millisecond, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine()
			c := clock.New(m.read)
			for _, s := range tt.steps {
				m.set(s.set)
				c.Now() // it is read all the time
				m.run(s.run)
			}
			if got, want := c.Now(), noon.Add(tt.now); !got.Equal(want) {
				t.Errorf("now: got %s, want %s", got, want)
			}
			if got, want := c.Wall(), noon.Add(tt.wall); !got.Equal(want) {
				t.Errorf("wall: got %s, want %s", got, want)
			}
			if got, want := c.Ahead(), tt.now-tt.wall; got != want {
				t.Errorf("ahead: got %s, want %s", got, want)
			}
		})
	}
}

func TestWhatIsFromTheFutureIsOver(t *testing.T) {
	const life = 5 * time.Minute
	for later, want := range map[time.Duration]bool{
		0: true, life - 1: true, life: false, 24 * time.Hour: false,
		-time.Second: true, -time.Minute: true, -time.Minute - 1: false, -time.Hour: false,
	} {
		if got := clock.During(noon.Add(later), noon, noon.Add(life)); got != want {
			t.Errorf("%s after it was made, with a life of %s: got %t, want %t", later, life, got, want)
		}
	}
}

func TestAWallFarInTheFutureDoesNotOverflow(t *testing.T) {
	m := newMachine()
	c := clock.New(m.read)
	before := c.Now()
	for range 4 {
		m.set(200 * 365 * 24 * time.Hour)
		m.run(time.Minute)
		now := c.Now()
		if now.Sub(before) < time.Minute {
			t.Fatalf("got %s after %s, which is less than a minute", now, before)
		}
		before = now
	}
}

func TestTimesAreInUTCWithoutAMonotonicReading(t *testing.T) {
	c := clock.System()
	for name, got := range map[string]time.Time{"now": c.Now(), "wall": c.Wall()} {
		if got != got.Round(0).UTC() {
			t.Errorf("%s: got %s, want neither a zone nor a monotonic reading", name, got)
		}
	}
}

func TestTheSystemsClockIsTheSystems(t *testing.T) {
	c := clock.System()
	before := time.Now().Round(0)
	now, wall := c.Now(), c.Wall()
	after := time.Now().Round(0)
	if wall.Before(before) || wall.After(after) {
		t.Errorf("wall: got %s, want from %s to %s", wall, before, after)
	}
	if d := now.Sub(wall).Abs(); d > time.Minute {
		t.Errorf("now and the wall are %s apart, want next to nothing", d)
	}
}

// Whatever is done to the wall clock: Now never goes back, never counts less than the
// monotonic clock, is never behind the wall, and only ahead of it by what that was set back.
func TestNowKeepsItsPromisesWhateverIsDoneToTheWall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		c := clock.New(m.read)
		before, elapsed := c.Now(), m.read().Elapsed
		var back time.Duration
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			set := time.Duration(rapid.Int64Range(-int64(48*time.Hour), int64(48*time.Hour)).Draw(t, "set"))
			run := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "run"))
			m.set(set)
			m.run(run)
			back += max(0, -set)
			now, r := c.Now(), m.read()
			switch {
			case now.Sub(before) < r.Elapsed-elapsed:
				t.Fatalf("%s went by, and %s of it counted", r.Elapsed-elapsed, now.Sub(before))
			case now.Before(r.Wall):
				t.Fatalf("got %s, which is behind the wall's %s", now, r.Wall)
			case now.Sub(r.Wall) > back:
				t.Fatalf("%s ahead of the wall, which was set back by %s", now.Sub(r.Wall), back)
			}
			before, elapsed = now, r.Elapsed
		}
	})
}

func TestManyReadersAtOnceNeverSeeItGoBack(t *testing.T) {
	m := newMachine()
	c := clock.New(m.read)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			before := c.Now()
			for range 2000 {
				now := c.Now()
				if now.Before(before) {
					t.Errorf("got %s after %s", now, before)
					return
				}
				before = now
			}
		})
	}
	all.Go(func() {
		for i := range 1000 {
			m.run(time.Millisecond)
			m.set([]time.Duration{time.Hour, -time.Hour, -time.Minute, time.Second}[i%4])
		}
	})
	all.Wait()
}

func BenchmarkNow(b *testing.B) {
	c := clock.System()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Now()
		}
	})
}

func BenchmarkSystemNow(b *testing.B) { // what it costs without
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = time.Now().UTC()
		}
	})
}
