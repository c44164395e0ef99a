package gate_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/gate"
)

func newGate() *gate.Gate {
	return gate.New(gate.Bounds{Places: 1, Line: 1, Patience: time.Second})
}

func post(body io.Reader) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/token", body)
}

// admit is for a request that has to be let in.
func admit(t *testing.T, g *gate.Gate, w http.ResponseWriter, r *http.Request) *gate.Visit {
	t.Helper()
	v, err := g.Admit(w, r)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAPlaceIsGivenBackWhenTheAnswerBegins(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"by a status":       func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) },
		"by a body":         func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") },
		"by a long poll":    gate.Leave,
		"by a taken socket": func(w http.ResponseWriter) { _, _, _ = w.(http.Hijacker).Hijack() },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			v := admit(t, g, httptest.NewRecorder(), post(nil))
			if got := g.Census().In; got != 1 {
				t.Fatalf("%d in before the answer, want 1", got)
			}
			begin(v)
			if got := g.Census().In; got != 0 {
				t.Errorf("%d in, want 0", got)
			}
			v.End()
			if got := g.Census().In; got != 0 {
				t.Errorf("%d in after the end, want 0", got)
			}
		})
	}
}

func TestAVisitWithoutAnAnswerGivesItsPlaceBackAtItsEnd(t *testing.T) {
	g := newGate()
	admit(t, g, httptest.NewRecorder(), post(nil)).End()
	if got := g.Census().In; got != 0 {
		t.Errorf("%d in, want 0", got)
	}
}

func TestTheAnswerGoesThrough(t *testing.T) {
	w := httptest.NewRecorder()
	v := admit(t, newGate(), w, post(nil))
	v.Header().Set("X-A", "b")
	v.WriteHeader(http.StatusTeapot)
	fmt.Fprint(v, "tea")
	v.End()
	if w.Code != http.StatusTeapot || w.Header().Get("X-A") != "b" || w.Body.String() != "tea" {
		t.Errorf("got %d %v %q", w.Code, w.Header(), w.Body)
	}
}

func TestTheBodyIsThatOfTheRequest(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 4096, 4097, 60_000} {
		body := bytes.Repeat([]byte("x"), size)
		for name, reader := range map[string]io.Reader{
			"at once":         bytes.NewReader(body),
			"byte by byte":    iotest.OneByteReader(bytes.NewReader(body)),
			"with its end":    iotest.DataErrReader(bytes.NewReader(body)),
			"half as it asks": iotest.HalfReader(bytes.NewReader(body)),
		} {
			g := newGate()
			r := post(reader)
			v := admit(t, g, httptest.NewRecorder(), r)
			got, err := io.ReadAll(r.Body)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d bytes %s: got %d, %v", size, name, len(got), err)
			}
			v.End()
		}
	}
}

var errCutOff = errors.New("cut off")

func TestWhatWasWrongWithTheBodyIsToldAfterIt(t *testing.T) {
	r := post(io.MultiReader(strings.NewReader("half a"), iotest.ErrReader(errCutOff)))
	v := admit(t, newGate(), httptest.NewRecorder(), r)
	defer v.End()
	got, err := io.ReadAll(r.Body)
	if string(got) != "half a" || !errors.Is(err, errCutOff) {
		t.Errorf("got %q, %v, want what came and %v", got, err, errCutOff)
	}
}

func TestABodyIsNotThereAfterTheVisit(t *testing.T) {
	r := post(strings.NewReader("secret"))
	v := admit(t, newGate(), httptest.NewRecorder(), r)
	body := r.Body
	v.End()
	if got, err := io.ReadAll(body); len(got) > 0 || err == nil {
		t.Errorf("got %q, %v, want an error and nothing of it", got, err)
	}
}

// Otherwise a handful of clients that never send the rest would keep everybody out.
func TestWhoSendsSlowlyHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		body, sender := io.Pipe()
		done := make(chan error, 1)
		go func() {
			v, err := g.Admit(httptest.NewRecorder(), post(body))
			if err == nil {
				defer v.End()
			}
			done <- err
		}()
		fmt.Fprint(sender, "a=")
		synctest.Wait()
		if got := g.Census(); got.In != 0 || got.Waiting != 0 {
			t.Errorf("got %+v while the body comes, want nobody", got)
		}
		sender.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// noisy is a ResponseWriter that wants to know of all.
type noisy struct {
	*httptest.ResponseRecorder
	turnedAway, arrived int
}

func (n *noisy) TurnedAway() { n.turnedAway++ }
func (n *noisy) Arrived()    { n.arrived++ }

func TestARefusalIsToldToWhoWantsToKnow(t *testing.T) {
	g := gate.New(gate.Bounds{Patience: time.Second})
	w := &noisy{ResponseRecorder: httptest.NewRecorder()}
	if _, err := g.Admit(w, post(nil)); !refused(err) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if w.turnedAway != 1 {
		t.Errorf("told %d times, want once", w.turnedAway)
	}
}

func TestARefusalIsKeptBackForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Line: 1, Closed: func() bool { return true }, Hold: time.Second})
		began := time.Now()
		_, err := g.Admit(httptest.NewRecorder(), post(nil))
		if took := time.Since(began); !refused(err) || took != time.Second {
			t.Errorf("got %v after %v, want a refusal after a second", err, took)
		}
	})
}

func TestWhoGoesAwayIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 1, Patience: time.Second, Hold: time.Second})
		admit(t, g, httptest.NewRecorder(), post(nil))
		ctx, leave := context.WithCancel(t.Context())
		leave()
		began := time.Now()
		_, err := g.Admit(httptest.NewRecorder(), post(nil).WithContext(ctx))
		if took := time.Since(began); err == nil || took != 0 {
			t.Errorf("got %v after %v, want an error at once", err, took)
		}
	})
}

// crowded is how many large bodies a gate takes at a time.
const crowded = 64

// sendLarge begins a large body that does not come to its end, and returns when all of
// what was sent is in memory.
func sendLarge(g *gate.Gate, done chan<- error) (sender *io.PipeWriter) {
	body, sender := io.Pipe()
	go func() {
		v, err := g.Admit(deadlined{httptest.NewRecorder(), body}, post(body))
		if err == nil {
			v.End()
		}
		done <- err
	}()
	_, _ = sender.Write(make([]byte, 5000))
	synctest.Wait()
	return sender
}

// deadlined is a ResponseWriter whose request's body ends by a deadline.
type deadlined struct {
	*httptest.ResponseRecorder
	body *io.PipeReader
}

func (d deadlined) SetReadDeadline(at time.Time) error {
	if at.Before(time.Now()) {
		return d.body.CloseWithError(os.ErrDeadlineExceeded)
	}
	return nil
}

func TestALargeBodyThatDoesNotComeMakesRoomForOneThatDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		done := make(chan error, 2*crowded)
		first := sendLarge(g, done)
		var others []*io.PipeWriter
		for range crowded - 1 {
			others = append(others, sendLarge(g, done))
		}
		if got := g.Census().Shed; got != 0 {
			t.Fatalf("%d were refused before the gate had its fill, want none", got)
		}
		for range 3 {
			admit(t, g, httptest.NewRecorder(), post(bytes.NewReader(make([]byte, 5000)))).End()
		}
		if err := <-done; !refused(err) {
			t.Errorf("the one that was on its way for longest: got %v, want a refusal", err)
		}
		if got := g.Census().Shed; got != 1 {
			t.Errorf("%d were pushed out, want one: the place is free after that", got)
		}
		first.Close()
		for _, s := range others {
			s.Close()
			if err := <-done; err != nil {
				t.Errorf("who was not pushed out: %v", err)
			}
		}
	})
}

func TestLargeBodiesThatWaitForAPlaceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 1, Line: 10_000, Patience: time.Second})
		inside := admit(t, g, httptest.NewRecorder(), post(nil))
		large := func() io.Reader { return bytes.NewReader(make([]byte, 5000)) }
		var waiting sync.WaitGroup
		for range crowded {
			waiting.Go(func() {
				v, err := g.Admit(httptest.NewRecorder(), post(large()))
				if err != nil {
					t.Error(err)
					return
				}
				v.End()
			})
		}
		synctest.Wait()
		if _, err := g.Admit(httptest.NewRecorder(), post(large())); !refused(err) {
			t.Errorf("one more: got %v, want a refusal", err)
		}
		inside.End()
		waiting.Wait()
		admit(t, g, httptest.NewRecorder(), post(large())).End()
	})
}

// What does not come is cut off over a real connection as well, long before the server's
// own deadline.
func TestWhoIsPushedOutIsToldSo(t *testing.T) {
	g := newGate()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := g.Admit(w, r)
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		v.End()
	}))
	defer s.Close()
	answers := make(chan int, crowded+1)
	for range crowded + 1 {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n%s", make([]byte, 5000))
		go func() {
			if a, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				answers <- a.StatusCode
			}
		}()
	}
	select {
	case got := <-answers:
		if got != http.StatusServiceUnavailable {
			t.Errorf("got %d, want 503", got)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody was pushed out")
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("it was read")
	return 0, io.EOF
}

func TestABodyThatHasNoMeaningIsNotRead(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r := httptest.NewRequest(method, "/userinfo", unread{t})
		v := admit(t, newGate(), httptest.NewRecorder(), r)
		if got, err := io.ReadAll(r.Body); len(got) > 0 || err != nil {
			t.Errorf("%s: got %q, %v, want nothing", method, got, err)
		}
		v.End()
	}
}

func TestNoGateLeavesTheBodyToTheHandler(t *testing.T) {
	var none *gate.Gate
	r := post(strings.NewReader("abc"))
	body := r.Body
	v := admit(t, none, httptest.NewRecorder(), r)
	if r.Body != body {
		t.Error("somebody took the body, whose memory nobody counts")
	}
	v.End()
}

func TestWhatHasArrivedIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		body io.Reader
		want int
	}{
		"all of it":     {strings.NewReader("abc"), 1},
		"a part of it":  {io.MultiReader(strings.NewReader("a"), iotest.ErrReader(errCutOff)), 0},
		"no body to be": {nil, 0},
	} {
		w := &noisy{ResponseRecorder: httptest.NewRecorder()}
		admit(t, newGate(), w, post(tc.body)).End()
		if w.arrived != tc.want {
			t.Errorf("%s: told %d times, want %d", name, w.arrived, tc.want)
		}
	}
}

func TestWhoGivesUpInTheLineIsTurnedAwayAndNoFault(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	leave()
	g := gate.New(gate.Bounds{Line: 1, Patience: time.Second})
	w := &noisy{ResponseRecorder: httptest.NewRecorder()}
	if _, err := g.Admit(w, post(nil).WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want %v", err, context.Canceled)
	}
	if w.turnedAway != 1 {
		t.Errorf("told %d times, want once", w.turnedAway)
	}
}

func TestWhatIsBehindAGateMayTurnAwayToo(t *testing.T) {
	w := &noisy{ResponseRecorder: httptest.NewRecorder()}
	v := admit(t, newGate(), w, post(nil))
	gate.TurnAway(v)
	v.End()
	gate.TurnAway(w)
	gate.TurnAway(httptest.NewRecorder()) // who does not want to know
	if w.turnedAway != 2 {
		t.Errorf("told %d times, want twice", w.turnedAway)
	}
}

func BenchmarkAVisit(b *testing.B) {
	g := gate.NewGates(nil).Tokens
	form := []byte("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=desktop-demo&device_code=4iesh8YuqhG2s78TDHpYcBjPpoaW")
	w, r, body := nothing{}, post(nil), &rewound{data: form}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset()
		r.Body = body
		v, err := g.Admit(w, r)
		if err != nil {
			b.Fatal(err)
		}
		v.WriteHeader(http.StatusOK)
		v.End()
	}
}

// nothing is a ResponseWriter that takes anything.
type nothing struct{}

func (nothing) Header() http.Header         { return nil }
func (nothing) Write(b []byte) (int, error) { return len(b), nil }
func (nothing) WriteHeader(int)             {}

// rewound is a body that can be read again and again.
type rewound struct {
	data []byte
	bytes.Reader
}

func (r *rewound) Reset()     { r.Reader.Reset(r.data) }
func (*rewound) Close() error { return nil }
