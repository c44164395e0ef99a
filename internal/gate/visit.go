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

// Arrived is what a ResponseWriter implements that wants to know when the whole body of
// its request is here. It is told only where there is one.
type Arrived interface{ Arrived() }

// TurnedAway is what a ResponseWriter implements that wants to know of those who did not
// get in. It is told before the refusal is kept back.
type TurnedAway interface{ TurnedAway() }

// Admit reads the request's body, takes a place and returns the Visit, to which the
// answer is to be written, and which End ends. From then on the body is that of the Visit;
// a GET or HEAD has none, whatever came. A Refusal or the error of the request's context:
// nothing was taken.
//
// A nil Gate leaves the body as it is.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request) (*Visit, error) {
	v := visits.Get().(*Visit)
	v.ResponseWriter = w
	err := v.read(g, r)
	if err == nil {
		err = g.Enter(r.Context())
	}
	if err == nil {
		v.gate = g
		return v, nil
	}
	v.End()
	TurnAway(w)
	g.hold(r.Context())
	return nil, err
}

// read has the request's body at hand.
func (v *Visit) read(g *Gate, r *http.Request) error {
	switch {
	case g == nil || r.Body == nil || r.Body == http.NoBody:
		return nil
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		r.Body = http.NoBody
		return nil
	}
	if err := v.body.take(g, v.ResponseWriter, r); err != nil {
		return err
	}
	if a, ok := v.ResponseWriter.(Arrived); ok && v.body.whole() {
		a.Arrived()
	}
	return nil
}

// TurnAway tells who wants to know that the request which w answers is turned away: by a
// gate, or by what is behind it and has too much to do.
func TurnAway(w http.ResponseWriter) {
	if v, ok := w.(*Visit); ok {
		w = v.ResponseWriter
	}
	if t, ok := w.(TurnedAway); ok {
		t.TurnedAway()
	}
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
