package endurance

import (
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// mostPerDesktop is what a desktop that waits may cost of resident memory, all in.
const mostPerDesktop = 12 << 10

// TestAWaitingDesktopCostsTwelveKiBAtMost: its socket, its goroutine, its grant in the
// caches, and its part of what is garbage.
func TestAWaitingDesktopCostsTwelveKiBAtMost(t *testing.T) {
	if len(raceFlags) > 0 {
		t.Skip("what the race detector remembers is not the server's")
	}
	n := manyDesktops()
	s := serve(t)
	// What the first requests and the first sockets bring in is not the desktops'.
	if err := gather(t, s, n/10).Close(); err != nil {
		t.Fatal(err)
	}
	before := resident(t, s)
	gather(t, s, n)
	each := (resident(t, s) - before) / int64(n)
	t.Logf("%d bytes for each of %d desktops", each, n)
	if each > mostPerDesktop {
		t.Errorf("%d bytes for each of %d desktops, want %d at most", each, n, mostPerDesktop)
	}
}

func resident(t testing.TB, s *load.Server) int64 {
	t.Helper()
	u, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u.Resident
}

// realSockets is as many as fit where a process may have 20,000 files: an eighth of
// them is kept for phones.
const realSockets = 17_000

// rotations is how long a benchmark watches the waiting: all codes are replaced once.
const rotations = time.Minute

// BenchmarkSeventeenThousandSockets is what desktops that wait cost the built server,
// with their codes replaced, in a minute: of one processor, and of memory.
func BenchmarkSeventeenThousandSockets(b *testing.B) {
	if testing.Short() {
		b.Skip("it takes a minute and a half")
	}
	s, err := load.Launch{Binary: built, Data: b.TempDir(), Args: []string{"--limits", "off", "--log-level", "warn"}}.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	before := resident(b, s)
	crowd := gather(b, s, realSockets)
	defer crowd.Close()
	for range b.N {
		from, heard := usage(b, s), frames(crowd)
		pause(rotations)
		to := usage(b, s)
		b.ReportMetric(100*float64(to.CPU-from.CPU)/float64(rotations), "%cpu")
		b.ReportMetric(float64(frames(crowd)-heard)/rotations.Seconds(), "rotations/s")
		b.ReportMetric(float64(to.Resident-before)/realSockets/1024, "KiB/desktop")
	}
}

func usage(b *testing.B, s *load.Server) load.Usage {
	b.Helper()
	u, err := s.Usage()
	if err != nil {
		b.Fatal(err)
	}
	return u
}

func frames(crowd load.Crowd) (sum int) {
	for _, w := range crowd {
		_, n := w.Newest()
		sum += n
	}
	return sum
}
