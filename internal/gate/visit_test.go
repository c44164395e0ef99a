package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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

// noisy is a ResponseWriter that wants to know of refusals.
type noisy struct {
	*httptest.ResponseRecorder
	turnedAway int
}

func (n *noisy) TurnedAway() { n.turnedAway++ }

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

func TestLargeBodiesAreBoundedInNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(gate.Bounds{Places: 10_000, Line: 1, Patience: time.Second})
		const many = 300
		var senders []*io.PipeWriter
		errs := make(chan error, many)
		for range many {
			body, sender := io.Pipe()
			senders = append(senders, sender)
			go func() {
				v, err := g.Admit(httptest.NewRecorder(), post(body))
				if err == nil {
					v.End()
				}
				body.CloseWithError(io.ErrClosedPipe)
				errs <- err
			}()
		}
		for _, s := range senders {
			_, _ = s.Write(make([]byte, 5000)) // who was refused reads no more
		}
		synctest.Wait()
		shed := int(g.Census().Shed)
		if shed == 0 || shed >= many/2 {
			t.Errorf("%d of %d large bodies were refused, want some", shed, many)
		}
		for _, s := range senders {
			s.Close()
		}
		for range many {
			if err := <-errs; err != nil && !refused(err) {
				t.Error(err)
			}
		}
		admit(t, g, httptest.NewRecorder(), post(bytes.NewReader(make([]byte, 9000)))).End()
	})
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
