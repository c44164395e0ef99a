package server

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// observer sees each request once, at the edge: it logs one event, counts it,
// and turns a panic into a 500 that tells nothing.
type observer struct {
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time
	flood   *seldom // that requests are turned away
}

// floodEvery is how often, at most, the log tells that requests are turned away.
const floodEvery = 10 * time.Second

func (o observer) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, id := o.now(), rand.Text()[:16]
		w.Header().Set("X-Request-Id", id)
		rec := newRecorder(w, r)
		defer func() {
			fault := recover()
			rec.end()
			if fault != nil {
				o.panicked(rec, id, fault)
			}
			o.tell(r, id, rec, o.now().Sub(begun))
			if fault == http.ErrAbortHandler || fault != nil && rec.began {
				panic(http.ErrAbortHandler) // half an answer may be out: cut it off visibly
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

func (o observer) panicked(rec *recorder, id string, fault any) {
	if fault == http.ErrAbortHandler {
		return
	}
	o.log.Error("panic", "request", id, "fault", fault, "stack", string(debug.Stack()))
	if !rec.began {
		http.Error(rec.ResponseWriter, "Something broke. Reference: "+id, http.StatusInternalServerError)
		rec.status = http.StatusInternalServerError
	}
}

// tell says nothing of the URL: queries and paths hold user codes.
func (o observer) tell(r *http.Request, id string, rec *recorder, took time.Duration) {
	status := rec.result()
	o.metrics.count(rec.route, status, took)
	level := slog.LevelInfo
	switch {
	case strings.HasSuffix(rec.route, wire.PathHealth):
		level = slog.LevelDebug
	case rec.turnedAway:
		level = slog.LevelDebug // a flood of lines would be a flood too
		o.tellOfFlood()
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	o.log.LogAttrs(r.Context(), level, "request",
		slog.String("method", r.Method),
		slog.String("route", rec.route),
		slog.Int("status", status),
		slog.Duration("took", took),
		slog.String("address", address(r)),
		slog.String("request", id))
}

// tellOfFlood warns that requests are turned away.
func (o observer) tellOfFlood() {
	if o.flood.due(o.now()) {
		o.log.Warn("more requests came than can be answered: some were turned away with 503; see docs/operating.md")
	}
}

// address is the peer's, without the port.
func address(r *http.Request) string {
	if a := peer.Address(r); a.IsValid() {
		return a.String()
	}
	return r.RemoteAddr
}

// routed notes which pattern the handler's own mux matched, in the recorder that it
// writes to: no handler between observer and routed may wrap that.
func routed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer := r.Pattern
		defer func() {
			if rec, ok := w.(*recorder); ok {
				rec.route = cmp.Or(r.Pattern, outer)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// recorder remembers the status of an answer, that of a hijacked connection, and
// which route it was.
type recorder struct {
	http.ResponseWriter
	route  string // the pattern that matched
	status int
	began  bool
	// turnedAway: it was not let in by its gate
	turnedAway bool
	conn       *connection // nil where nobody knows it
	arrived    bool        // all of the request is here, and it was not turned away
}

// newRecorder is for an answer to the request, of which end is told when it is over.
func newRecorder(w http.ResponseWriter, r *http.Request) *recorder {
	rec := &recorder{ResponseWriter: w, conn: connectionOf(r), arrived: !hasBody(r)}
	if rec.arrived {
		rec.conn.note(0, 1)
	} else {
		rec.conn.note(1, 0)
	}
	return rec
}

func (r *recorder) end() {
	if r.arrived {
		r.conn.note(0, -1)
	} else {
		r.conn.note(-1, 0)
	}
}

func (r *recorder) WriteHeader(status int) {
	if status >= 200 && !r.began {
		r.status, r.began = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

// Arrived implements gate.Arrived.
func (r *recorder) Arrived() {
	if !r.arrived {
		r.arrived = true
		r.conn.note(-1, 1)
	}
}

// TurnedAway implements gate.TurnedAway. Refusals are kept back, and their connections
// make room meanwhile.
func (r *recorder) TurnedAway() {
	r.turnedAway = true
	if r.arrived {
		r.arrived = false
		r.conn.note(1, -1)
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if !r.began {
		r.status, r.began = http.StatusOK, true
	}
	return r.ResponseWriter.Write(b)
}

// result is the status; a handler that wrote nothing has answered 200.
func (r *recorder) result() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return r.status
}

// Hijack hands the connection to a WebSocket, which asks for it by this method.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status, r.began = http.StatusSwitchingProtocols, true
	}
	return conn, buf, err
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

var _ http.Hijacker = (*recorder)(nil)
