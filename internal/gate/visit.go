package gate

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// Visit is a request that has a place, and the way to answer it. The place is given back
// when the answer begins, when the connection is taken over, or by Leave.
type Visit struct {
	http.ResponseWriter
	gate *Gate // nil: the place was given back
	body body
}

// visits are used again: each request needs one.
var visits = sync.Pool{New: func() any { return new(Visit) }}

// TurnedAway is what a ResponseWriter implements that wants to know of those who did not
// get in.
type TurnedAway interface{ TurnedAway() }

// Admit reads the request's body, takes a place and returns the Visit, to which the
// answer is to be written, and which End ends. From then on the body is that of the Visit.
// A Refusal or the error of the request's context: nothing was taken.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request) (*Visit, error) {
	v := visits.Get().(*Visit)
	v.ResponseWriter = w
	err := v.body.take(g, r)
	if err == nil {
		err = g.Enter(r.Context())
	}
	if err == nil {
		v.gate = g
		return v, nil
	}
	v.End()
	g.hold(r.Context())
	if t, ok := w.(TurnedAway); ok {
		t.TurnedAway()
	}
	return nil, err
}

// End gives back what the visit has. The request's body is none after that.
func (v *Visit) End() {
	v.Leave()
	v.ResponseWriter = nil
	v.body.drop()
	visits.Put(v)
}

// Leave gives the place back, if that was not done. It is for a handler that goes on to
// wait for something.
func (v *Visit) Leave() {
	g := v.gate
	v.gate = nil
	g.Leave()
}

// Leave gives back the place of the request that w answers, if it has one.
func Leave(w http.ResponseWriter) {
	if v, ok := w.(*Visit); ok {
		v.Leave()
	}
}

// WriteHeader implements http.ResponseWriter.
func (v *Visit) WriteHeader(status int) {
	v.Leave()
	v.ResponseWriter.WriteHeader(status)
}

func (v *Visit) Write(b []byte) (int, error) {
	v.Leave()
	return v.ResponseWriter.Write(b)
}

// Hijack hands the connection to a WebSocket, which asks for it by this method.
func (v *Visit) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	v.Leave()
	return http.NewResponseController(v.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (v *Visit) Unwrap() http.ResponseWriter { return v.ResponseWriter }

var _ http.Hijacker = (*Visit)(nil)
