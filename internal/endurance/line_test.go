package endurance

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// What becomes of a request that is not answered.
var (
	errUnsent = errors.New("the request did not reach the server")
	errLost   = errors.New("the answer was lost, and what became of the request is not known")
)

// line is a computer's way to the server: one connection, which is made again after a
// cut. It is used by one goroutine.
type line struct {
	town  *town
	conn  *load.Conn
	phase int64 // of the power when conn was made
}

// do sends a request once. Errors are errUnsent and errLost.
func (l *line) do(r load.Request) (load.Answer, error) {
	if l.conn == nil {
		phase := l.town.power.phase.Load()
		conn, err := load.Dial(l.town.power.launch.Listen)
		if err != nil {
			return load.Answer{}, errUnsent
		}
		l.conn, l.phase = conn, phase
	}
	l.town.inFlight.Add(1)
	a, err := l.conn.Do(r)
	l.town.inFlight.Add(-1)
	if err == nil {
		return a, nil
	}
	if l.town.power.unbroken(l.phase) {
		l.town.fault("a connection broke while nobody had cut the power: %v", err)
	}
	l.town.ledger.count(answersLost)
	l.hangUp()
	return load.Answer{}, errLost
}

// hangUp ends the connection, if there is one.
func (l *line) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// reply is an answer that was read.
type reply struct {
	status int
	code   string // of an error
	body   []byte
}

func (r reply) read(into any) error { return json.Unmarshal(r.body, into) }

// wallet is a computer's key, if it has one, with the nonce that the server wants in
// its proofs.
type wallet struct {
	key   dpop.Key // zero: tokens are bound to nothing
	nonce string
}

// bound reports whether there is a key.
func (w *wallet) bound() bool { return !w.key.IsZero() }

// post sends a form, with a proof where there is a key. A server that wants another
// nonce has done nothing, and is asked again at once.
func (l *line) post(w *wallet, path string, form url.Values) (reply, error) {
	return l.ask(w, path, "", func(headers []string) load.Request {
		return load.Post(l.town.host, path, form.Encode(), headers...)
	})
}

// userInfo asks who is signed in.
func (l *line) userInfo(w *wallet, access string) (reply, error) {
	kind := wire.TokenTypeBearer
	if w.bound() {
		kind = wire.TokenTypeDPoP
	}
	return l.ask(w, wire.PathUserInfo, access, func(headers []string) load.Request {
		headers = append(headers, "Authorization: "+kind+" "+access)
		return load.Request("GET " + wire.PathUserInfo + " HTTP/1.1\r\nHost: " + l.town.host + "\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n")
	})
}

func (l *line) ask(w *wallet, path, access string, render func(headers []string) load.Request) (reply, error) {
	for asked := 1; ; asked++ {
		headers, err := w.prove(l.town.issuer+path, access)
		if err != nil {
			l.town.fault("prove a key: %v", err)
			return reply{}, errUnsent
		}
		a, err := l.do(render(headers))
		if err != nil {
			return reply{}, err
		}
		if a.Nonce != "" {
			w.nonce = a.Nonce
		}
		r := l.read(path, a)
		if r.code != wire.CodeUseDPoPNonce || asked == 3 {
			return r, nil
		}
	}
}

// prove renders the headers of a proof for a request.
func (w *wallet) prove(address, access string) ([]string, error) {
	if !w.bound() {
		return nil, nil
	}
	method := http.MethodPost
	if access != "" {
		method = http.MethodGet
	}
	proof, err := w.key.Prove(time.Now(), dpop.Request{Method: method, URL: address, AccessToken: access, Nonce: w.nonce})
	return []string{wire.HeaderDPoP + ": " + proof}, err
}

func (l *line) read(path string, a load.Answer) reply {
	var e wire.Error
	if a.Status >= http.StatusBadRequest {
		_ = json.Unmarshal(a.Body, &e) // a page has none; a challenge's is in a header
	}
	if a.Status == http.StatusInternalServerError {
		l.town.fault("%s: %d %s", path, a.Status, a.Body)
	}
	return reply{a.Status, e.Code, append([]byte(nil), a.Body...)}
}

// later reports an answer that tells nothing but to come again.
func (r reply) later() bool {
	return r.status == http.StatusServiceUnavailable || r.status == http.StatusTooManyRequests
}
