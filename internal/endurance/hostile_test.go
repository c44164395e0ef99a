package endurance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// manyConnections is how many a hostile test holds open: as many as it says in the long
// form.
func manyConnections() int {
	if testing.Short() || len(raceFlags) > 0 {
		return 2000
	}
	return 10_000
}

// mostPerConnection is what a connection may cost that asks for nothing, of resident
// memory, all in: net/http has a goroutine and a buffer for it.
const mostPerConnection = 20 << 10

// hold opens n connections, each of which sends what begin says. They are closed with
// the test.
func hold(t *testing.T, s *load.Server, n int, begin func(i int) string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	faults := make(chan error, n)
	var work sync.WaitGroup
	for part := range 16 {
		work.Go(func() {
			for i := part; i < n; i += 16 {
				conn, err := net.DialTimeout("tcp", s.Address, patience)
				if err == nil {
					conns[i] = conn
					_ = conn.(*net.TCPConn).SetLinger(0) // ports are needed again
					_, err = io.WriteString(conn, begin(i))
				}
				if err != nil {
					faults <- err
				}
			}
		})
	}
	work.Wait()
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	if len(faults) > 0 {
		t.Fatalf("connect: %v and %d more", <-faults, len(faults))
	}
	return conns
}

// signsIn has a newcomer sign a desktop in: the server still does what it is for.
func signsIn(t *testing.T, s *load.Server, name string) {
	t.Helper()
	phone, err := load.NewPhone(s)
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	desktop := dial(t, s)
	g, err := desktop.Start(s.Host, name)
	if err != nil {
		t.Fatalf("a start: %v", err)
	}
	if err := phone.Join(name); err != nil {
		t.Fatalf("an account: %v", err)
	}
	if err := phone.Approve(g.VerificationURIComplete); err != nil {
		t.Fatalf("an approval: %v", err)
	}
	if _, err := desktop.Redeem(s.Host, g.DeviceCode); err != nil {
		t.Fatalf("the tokens: %v", err)
	}
}

// What a connection costs that wants nothing, or nothing yet, and that people sign in
// beside thousands of them.
func TestConnectionsThatAskForNothingCostLittle(t *testing.T) {
	s := serve(t)
	n := manyConnections()
	signsIn(t, s, "Before")
	before := resident(t, s)
	conns := hold(t, s, n, func(i int) string {
		return []string{
			"", // half-open: connected, and nothing said
			"G",
			"POST /token HTTP/1.1\r\nHost: x\r\nX-Slow: ",
			"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant_type=",
		}[i%4]
	})
	drip(conns)
	until(t, "the connections are all there", func() bool { return files(t, s) >= n })
	signsIn(t, s, "Amid")
	each := (resident(t, s) - before) / int64(n)
	t.Logf("%d bytes for each of %d connections", each, n)
	if each > mostPerConnection && len(raceFlags) == 0 {
		t.Errorf("%d bytes for each of %d connections, want %d at most", each, n, mostPerConnection)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	until(t, "the connections are gone", func() bool { return files(t, s) < 200 })
	signsIn(t, s, "After")
}

// drip sends one byte more by each that is in the middle of something.
func drip(conns []net.Conn) {
	for i, c := range conns {
		if i%4 != 0 {
			_, _ = io.WriteString(c, "E") // the server may have had enough
		}
	}
}

func files(t *testing.T, s *load.Server) int {
	t.Helper()
	u, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	return u.Files
}

// Whoever opens more connections than there is room for closes their own.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	const room = 300
	s := launch(t, load.Launch{Data: t.TempDir(), Env: []string{fmt.Sprintf("QRAUTHD_LIMITS_CONNECTIONS=%d", room)}})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		besiege(s, stop)
	}()
	for i := range 3 {
		signsIn(t, s, fmt.Sprintf("Person %d", i))
		if n := files(t, s); n > room+100 {
			t.Errorf("%d files are open, want %d and some for the server itself", n, room)
		}
	}
	close(stop)
	<-stopped
}

// besiege keeps opening connections that say nothing, a thousand at a time.
func besiege(s *load.Server, stop <-chan struct{}) {
	held := make([]net.Conn, 1000)
	for i := 0; ; i = (i + 1) % len(held) {
		select {
		case <-stop:
			for _, c := range held {
				if c != nil {
					_ = c.Close()
				}
			}
			return
		default:
		}
		if held[i] != nil {
			_ = held[i].Close()
		}
		if held[i], _ = net.DialTimeout("tcp", s.Address, time.Second); held[i] != nil {
			_ = held[i].(*net.TCPConn).SetLinger(0)
		}
	}
}

// Nothing that is too large is read to its end, let alone kept.
func TestWhatIsTooLargeIsRefusedUnread(t *testing.T) {
	s := serve(t)
	signsIn(t, s, "Before")
	before := resident(t, s)
	const together, size = 64, 4 << 20
	for _, tc := range []struct {
		name, head string
		endless    string // what follows, again and again
		want       []int
	}{
		{"a header", "GET /device HTTP/1.1\r\nHost: x\r\nX-Large: ", "x", []int{http.StatusRequestHeaderFieldsTooLarge}},
		{"many headers", "GET /device HTTP/1.1\r\nHost: x\r\n", "X-A: b\r\n", []int{http.StatusRequestHeaderFieldsTooLarge}},
		{"an address", "GET /", "x", []int{http.StatusRequestHeaderFieldsTooLarge, http.StatusRequestURITooLong}},
		{"a form", large(wire.PathToken, formKind), "x", []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}},
		{"a start", large(wire.PathDeviceAuthorization, formKind), "x", []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}},
		{"a passkey's answer", large("/signin/finish", "application/json"), "x", []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusForbidden}},
		{"a form in endless pieces", chunked(wire.PathToken), "8\r\nxxxxxxxx\r\n", []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var work sync.WaitGroup
			for range together {
				work.Go(func() {
					status, err := shove(s, tc.head, tc.endless, size)
					if err != nil {
						t.Error(err)
					}
					for _, want := range tc.want {
						if status == want {
							return
						}
					}
					t.Errorf("got %d, want one of %d", status, tc.want)
				})
			}
			work.Wait()
		})
	}
	// All of them together sent more than a gigabyte.
	if grown := resident(t, s) - before; grown > 64<<20 && len(raceFlags) == 0 {
		t.Errorf("%d bytes more of memory, want 64 MiB at most", grown)
	}
	signsIn(t, s, "After")
}

const formKind = "application/x-www-form-urlencoded"

func large(path, kind string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 1000000000\r\n\r\n", path, kind)
}

func chunked(path string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", path, formKind)
}

// shove sends the head and then up to so many bytes more, whether they are wanted or
// not, and returns the status of the answer.
func shove(s *load.Server, head, endless string, size int) (int, error) {
	conn, err := net.DialTimeout("tcp", s.Address, patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		lot := strings.Repeat(endless, 32<<10/len(endless))
		_, err := io.WriteString(conn, head)
		for n := 0; err == nil && n < size; n += len(lot) {
			_, err = io.WriteString(conn, lot)
		}
	}()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, fmt.Errorf("no answer: %w", err)
	}
	_ = r.Body.Close()
	_ = conn.Close()
	<-sent
	return r.StatusCode, nil
}

// Requests without end whose answers nobody takes fill the kernel's buffers, and no more
// than those.
func TestAnswersThatNobodyTakesKeepNobodyOut(t *testing.T) {
	s := serve(t)
	signsIn(t, s, "Before")
	before := resident(t, s)
	const many = 300
	conns := hold(t, s, many, func(int) string { return "" })
	for _, c := range conns {
		_ = c.(*net.TCPConn).SetReadBuffer(2 << 10)
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		go func() { _, _ = io.WriteString(c, strings.Repeat("GET /device HTTP/1.1\r\nHost: x\r\n\r\n", 2000)) }()
	}
	signsIn(t, s, "Amid")
	if grown := resident(t, s) - before; grown > 64<<20 && len(raceFlags) == 0 {
		t.Errorf("%d bytes more of memory for %d connections, want 64 MiB at most", grown, many)
	}
}
