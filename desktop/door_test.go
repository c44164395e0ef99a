package desktop

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/qrauthd/qrauthd/internal/secret"
)

func TestAReloadOfThePageSaysTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &door{
			want: expected{state: secret.From("s"), issuer: "https://login.example.com"}, host: "127.0.0.1:1",
			arrivals: make(chan callback, 1), over: make(chan struct{}),
		}
		pages := make(chan string, 2)
		for range 2 {
			go func() {
				w := httptest.NewRecorder()
				d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1/callback?code=c&state=s", nil))
				pages <- w.Body.String()
			}()
		}
		synctest.Wait() // both are waiting
		if len(pages) != 0 || len(d.arrivals) != 1 {
			t.Errorf("%d pages and %d codes before it is known how it ended", len(pages), len(d.arrivals))
		}
		d.ending = endedWell
		close(d.over)
		if a, b := <-pages, <-pages; a != b || !strings.Contains(a, "signed in</h1>") {
			t.Errorf("got %q and %q", a, b)
		}
	})
}

func TestOnlyTheFirstAnswerArrives(t *testing.T) {
	for name, second := range map[string]string{"a reload": "code=c", "another code": "code=d", "a denial": "error=access_denied"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &door{
					want: expected{state: secret.From("s"), issuer: "https://login.example.com"}, host: "127.0.0.1:1",
					arrivals: make(chan callback, 1), over: make(chan struct{}),
				}
				visit := func(query string) {
					r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1/callback?state=s&"+query, nil)
					go d.ServeHTTP(httptest.NewRecorder(), r)
					synctest.Wait()
				}
				visit("code=c")
				if c := <-d.arrivals; c.code.Reveal() != "c" { // it is being exchanged from now on
					t.Errorf("got the code %q", c.code.Reveal())
				}
				visit(second)
				if len(d.arrivals) != 0 {
					t.Error("it arrived after the first")
				}
				close(d.over)
			})
		})
	}
}

// crowd is a listener with any number of visitors.
type crowd struct{ closed chan struct{} }

func (c crowd) Accept() (net.Conn, error) {
	near, _ := net.Pipe()
	return near, nil
}

func (c crowd) Close() error   { close(c.closed); return nil }
func (c crowd) Addr() net.Addr { return &net.TCPAddr{} }

func TestTheDoorIsNarrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := narrow(crowd{make(chan struct{})})
		came := make(chan net.Conn, 2*maxVisitors)
		ended := make(chan error, 1)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				came <- conn
			}
		}()
		synctest.Wait()
		if len(came) != maxVisitors {
			t.Errorf("%d came in, want %d", len(came), maxVisitors)
		}
		first := <-came
		first.Close()
		first.Close() // a second time frees nobody else's place
		synctest.Wait()
		if len(came) != maxVisitors {
			t.Errorf("after one has left %d are in, want %d", len(came), maxVisitors)
		}
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: got %v", err)
		}
		for range maxVisitors {
			(<-came).Close()
		}
	})
}
