package endurance

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/server"
)

// cabled is a desktop at the end of a cable. It belongs to whoever holds the cable.
type cabled struct {
	deviceCode string
	code       grant.UserCode
	minted     time.Time // when the code was, as far as the desktop knows
	from       net.Addr
	town       *cabledTown
}

// cabledTown is all desktops together.
type cabledTown struct {
	mu       sync.Mutex
	attached int             // guarded by mu
	late     []time.Duration // each from when a code was due to the frame with the next; guarded by mu
}

// hear takes one frame, or the answer to the handshake, and returns what the desktop
// says to it.
func (d *cabled) hear(p []byte) []byte {
	switch p[0] {
	case 'H':
		return masked(0x81, `{"type":"hello","client_id":"`+server.DemoClientID+`","device_code":"`+d.deviceCode+`"}`)
	case 0x89: // ping
		return masked(0x8a, "")
	case 0x81: // text
		d.learn(p)
	}
	return nil
}

// learn takes a snapshot.
func (d *cabled) learn(frame []byte) {
	now := time.Now()
	_, rest, _ := bytes.Cut(frame, []byte(`"user_code":"`))
	text, _, _ := bytes.Cut(rest, []byte(`"`))
	code := grant.UserCode(strings.ReplaceAll(string(text), "-", ""))
	d.town.mu.Lock()
	defer d.town.mu.Unlock()
	if code == d.code {
		d.town.attached++
		return
	}
	due := grant.Grant{Code: d.code, CodeMintedAt: d.minted}.RotationDue()
	d.town.late = append(d.town.late, now.Sub(due))
	d.code, d.minted = code, now
}

// masked is a short frame of a client, masked with zeros.
func masked(first byte, payload string) []byte {
	head := []byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}
	if n := len(payload); n > 125 {
		head = []byte{first, 0x80 | 126, byte(n >> 8), byte(n), 0, 0, 0, 0}
	}
	return append(head, payload...)
}

// newCabled begins a sign-in.
func (w *cabledTown) newCabled(h http.Handler, i int) (*cabled, error) {
	from := &net.TCPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i)), Port: 40000}
	form := url.Values{"client_id": {server.DemoClientID}, "device_name": {"IDLE-PC"}}
	r := httptest.NewRequest(http.MethodPost, wire.PathDeviceAuthorization, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.RemoteAddr = from.String()
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	var g wire.DeviceAuthorization
	if err := json.Unmarshal(answer.Body.Bytes(), &g); err != nil {
		return nil, err
	}
	code, err := grant.ParseUserCode(g.UserCode)
	return &cabled{deviceCode: g.DeviceCode, code: code, minted: time.Now(), from: from, town: w}, err
}

// heard is what came since the last time.
func (w *cabledTown) heard() (late []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	late, w.late = w.late, nil
	return late
}

func (w *cabledTown) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.attached
}

// BenchmarkFiftyThousandWaiting is what so many cost with their codes replaced, over a
// minute: of one processor, the desktops' own part included, and how late the new codes
// come. The server is whole and its database a file; only the sockets are in memory, for
// where a process may have but a few thousand files.
func BenchmarkFiftyThousandWaiting(b *testing.B) {
	if testing.Short() {
		b.Skip("it takes a minute and a half")
	}
	const desktops = 50_000
	town := new(cabledTown)
	before := inUse()
	town.settle(b, desktops)
	b.Logf("%d bytes of heap and stacks for each, the desktop's own part included", (inUse()-before)/desktops)
	for range b.N {
		town.heard()
		from := own(b)
		pause(rotations)
		to, late := own(b), town.heard()
		slices.Sort(late)
		b.ReportMetric(100*float64(to.CPU-from.CPU)/float64(rotations), "%cpu")
		b.ReportMetric(float64(len(late))/rotations.Seconds(), "rotations/s")
		b.ReportMetric(float64(late[len(late)/2].Microseconds())/1000, "late-p50-ms")
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "late-p99-ms")
	}
}

// settle has so many desktops wait, until the benchmark ends.
func (w *cabledTown) settle(b *testing.B, desktops int) {
	b.Helper()
	c := server.DefaultConfig()
	c.Demo, c.Issuer, c.DataDir, c.Limits.Off = true, "http://localhost:8080", b.TempDir(), true
	s, err := server.New(b.Context(), c, server.Options{})
	if err != nil {
		b.Fatal(err)
	}
	l := cables{make(chan net.Conn), make(chan struct{})}
	h := &http.Server{Handler: s.Handler()}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.Serve(l)
	}()
	var ends []*cable
	for i := range desktops {
		d, err := w.newCabled(s.Handler(), i)
		if err != nil {
			b.Fatal(err)
		}
		end := newCable(d)
		ends = append(ends, end)
		l.coming <- end
	}
	b.Cleanup(func() {
		close(l.closed)
		<-served
		for _, end := range ends {
			_ = end.Close()
		}
		_ = s.Close()
	})
	for began := time.Now(); w.waiting() < desktops; pause(10 * time.Millisecond) {
		if time.Since(began) > patience {
			b.Fatalf("only %d of %d wait", w.waiting(), desktops)
		}
	}
}

func own(b *testing.B) load.Usage {
	b.Helper()
	u, err := load.UsageOf(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// inUse is what is alive of heap and stacks.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
