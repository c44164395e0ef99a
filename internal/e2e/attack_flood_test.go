package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// endless is text without an end, of which so much is left.
type endless struct{ left int }

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(b), e.left)
	for i := range n {
		b[i] = 'a'
	}
	e.left -= n
	return n, nil
}

// memory is the most that the server has had so far, in bytes.
func (s *server) memory(t *testing.T) int64 {
	t.Helper()
	u, err := load.UsageOf(s.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return u.Peak
}

func TestOversizedRequestsAreRefused(t *testing.T) {
	s := serve(t)
	ada := newHandset(t, s.issuer)
	ada.join("Ada")
	desk := newComputer(t, s.issuer).begin()
	opening := ada.open(desk.VerificationURIComplete)
	ada.challenged(opening)
	long := func(n int) string { return strings.Repeat("a", n) }
	many := func(n int) string {
		var form strings.Builder
		for i := range n {
			fmt.Fprintf(&form, "&p%d=", i)
		}
		return form.String()
	}
	const million = 1 << 20
	start := "client_id=" + demoClient

	for name, tt := range map[string]struct {
		method, path, kind, body string
		header                   http.Header
		status                   int
		says                     string // the error of a machine's face, or what a person reads
	}{
		"a form of a megabyte":           {"POST", wire.PathToken, kindForm, start + "&grant_type=" + long(million), nil, 400, wire.CodeInvalidRequest},
		"a form that is a little large":  {"POST", wire.PathToken, kindForm, start + "&grant_type=" + long(16<<10), nil, 400, wire.CodeInvalidRequest},
		"a start of a megabyte":          {"POST", wire.PathDeviceAuthorization, kindForm, start + "&device_name=" + long(million), nil, 400, wire.CodeInvalidRequest},
		"a number of a megabyte":         {"POST", wire.PathConfirmation, kindForm, start + "&number=" + long(million), nil, 400, wire.CodeInvalidRequest},
		"a hundred thousand parameters":  {"POST", wire.PathDeviceAuthorization, kindForm, start + many(100_000), nil, 400, wire.CodeInvalidRequest},
		"a thousand parameters":          {"POST", wire.PathDeviceAuthorization, kindForm, start + many(1000), nil, 200, ""},
		"one parameter a thousand times": {"POST", wire.PathDeviceAuthorization, kindForm, start + strings.Repeat("&x=", 1000), nil, 400, wire.CodeInvalidRequest},
		"a thousand scopes":              {"POST", wire.PathDeviceAuthorization, kindForm, start + "&scope=" + strings.Repeat("a+", 1000), nil, 400, wire.CodeInvalidScope},
		"a thousand resources":           {"POST", wire.PathDeviceAuthorization, kindForm, start + strings.Repeat("&resource=a:b", 1000), nil, 400, wire.CodeInvalidTarget},
		"a nonce that is long":           {"POST", wire.PathDeviceAuthorization, kindForm, start + "&nonce=" + long(1000), nil, 400, wire.CodeInvalidRequest},
		"a number of many digits":        {"POST", wire.PathConfirmation, kindForm, start + "&device_code=x&number=" + strings.Repeat("4", 1000), nil, 400, wire.CodeInvalidRequest},
		"a client with a long name":      {"POST", wire.PathToken, kindForm, "grant_type=x&client_id=" + long(10_000), nil, 401, wire.CodeInvalidClient},
		"a device code that is long":     {"POST", wire.PathToken, kindForm, start + "&grant_type=" + wire.GrantTypeDeviceCode + "&device_code=" + long(10_000), nil, 400, wire.CodeInvalidGrant},
		"a proof that is long":           {"POST", wire.PathToken, kindForm, start + "&grant_type=x", http.Header{"Dpop": {long(10_000)}}, 400, wire.CodeInvalidDPoPProof},
		"a token that is long":           {"GET", wire.PathUserInfo, "", "", http.Header{"Authorization": {"Bearer " + long(10_000)}}, 401, wire.CodeInvalidToken},
		"an answer of a megabyte":        {"POST", "/confirm/" + opening + "/finish", kindJSON, `{"id":"` + long(million) + `"}`, nil, 400, "malformed"},
		"an answer that goes deep":       {"POST", "/join/finish", kindJSON, strings.Repeat("[", 60_000), nil, 400, "malformed"},
		"a name of a megabyte":           {"POST", "/join/begin", kindJSON, `{"name":"` + long(million) + `"}`, nil, 400, "malformed"},
		"a name that is long":            {"POST", "/join/begin", kindJSON, `{"name":"` + long(60_000) + `"}`, nil, 400, "name_too_long"},
		"an invitation that is long":     {"POST", "/join/invitation", kindJSON, `{"invitation":"` + long(60_000) + `"}`, nil, 403, "invitation_invalid"},
		"a typed code of a megabyte":     {"POST", wire.PathDevice, kindForm, "user_code=" + long(million), nil, 400, "That request was not accepted."},
		"a code that is long":            {"GET", "/device?user_code=" + long(10_000), "", "", nil, 422, "A code has eight letters"},
		"a handle that is long":          {"GET", "/confirm/" + long(10_000), "", "", nil, 403, "We don't know this code."},
		"an authorization that is long":  {"GET", authorization("http://127.0.0.1/callback") + "&state=" + long(9000), "", "", nil, 400, "can't be read"},
		"a cookie that is long":          {"GET", wire.PathDevice, "", "", http.Header{"Cookie": {cookieName + "=" + long(10_000)}}, 200, "Enter the code"},
		"a header of 64 kilobytes":       {"GET", wire.PathDevice, "", "", http.Header{"X-Long": {long(64 << 10)}}, 431, "431"},
		"a thousand headers":             {"GET", wire.PathDevice, "", "", http.Header{"X-Many": strings.Split(strings.Repeat("aaaaaaaaaaaaaaaa,", 1000), ",")}, 431, "431"},
		"an address of 64 kilobytes":     {"GET", "/device?user_code=" + long(64<<10), "", "", nil, 431, "431"},
		"a hundred kilobytes of cookies": {"GET", wire.PathDevice, "", "", http.Header{"Cookie": {strings.Repeat("a=b; ", 20_000)}}, 431, "431"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCaller(t, s.issuer)
			if tt.header["Cookie"] == nil {
				c.http.Jar = ada.http.Jar
			}
			a := c.do(tt.method, tt.path, tt.kind, tt.body, tt.header)
			if a.path = a.path[:min(len(a.path), 60)]; a.status != tt.status || a.fault() != tt.says && !a.says(tt.says) {
				t.Errorf("got %d %.300s, want %d %s", a.status, a.body, tt.status, tt.says)
			}
		})
	}

	t.Run("frames", func(t *testing.T) {
		hello := `{"type":"hello","client_id":"` + demoClient + `","device_code":"` + desk.DeviceCode + `"}`
		for name, say := range map[string]func(conn *websocket.Conn) error{
			"a hello that is long": func(conn *websocket.Conn) error {
				return conn.WriteMessage(websocket.TextMessage, []byte(hello+strings.Repeat(" ", wire.MaxHello)))
			},
			"a frame that is long": func(conn *websocket.Conn) error {
				_ = conn.WriteMessage(websocket.TextMessage, []byte(hello))
				return conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"cancel"}`+strings.Repeat(" ", wire.MaxClientFrame)))
			},
			"a frame that says it is very long": func(conn *websocket.Conn) error {
				return announce(conn.UnderlyingConn(), 1<<62)
			},
			"a hello without an end": func(conn *websocket.Conn) error {
				w, err := conn.NextWriter(websocket.TextMessage)
				if err != nil {
					return err
				}
				_, err = io.Copy(w, &endless{left: million})
				return err // when it has been cut off
			},
		} {
			conn, err := desk.socket()
			if err != nil {
				t.Fatal(err)
			}
			_ = say(conn) // the server may not wait for all of it
			if code := closing(conn); code != websocket.CloseMessageTooBig && code != 0 {
				t.Errorf("%s is answered with %d, want %d", name, code, websocket.CloseMessageTooBig)
			}
			conn.Close()
		}
		if got := ada.state(opening).State; got != wire.StateConfirming {
			t.Errorf("the sign-in is %s, want confirming: no such frame was obeyed", got)
		}
		desk.attach().until(wire.StateConfirming) // one of the right size
	})

	// A quarter of a gigabyte in all, at the same time, with and without its length.
	t.Run("all at once", func(t *testing.T) {
		const senders, each = 64, 4 * million
		before := s.memory(t)
		paths := []string{wire.PathToken, wire.PathDevice, "/join/begin", "/confirm/" + opening + "/finish", "/nothing"}
		var work sync.WaitGroup
		for n := range senders {
			c := newCaller(t, s.issuer)
			c.http.Jar = ada.http.Jar
			kind := kindForm
			if n%5 == 2 || n%5 == 3 {
				kind = kindJSON
			}
			work.Go(func() {
				// The server answers, or cuts the connection while there is more to come.
				a, err := c.try(http.MethodPost, paths[n%5], kind, &endless{left: each}, nil)
				if err == nil && (a.status < 400 || a.status >= 500) {
					t.Errorf("%s got %d", a.path, a.status)
				}
			})
			work.Go(func() {
				conn, err := desk.socket()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_ = announce(conn.UnderlyingConn(), 1<<40)
				_, _ = io.Copy(conn.UnderlyingConn(), &endless{left: million})
				closing(conn)
			})
		}
		work.Wait()
		if grown := s.memory(t) - before; grown > 96*million {
			t.Errorf("the server has taken %d MB for %d MB of requests", grown/million, senders*each/million)
		} else {
			t.Logf("the server has taken %d MB", grown/million)
		}
		newComputer(t, s.issuer).begin()
	})
}

// announce sends the head of a text frame of that length.
func announce(conn net.Conn, length uint64) error {
	head := []byte{0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} // and a mask of zeros
	for i := range 8 {
		head[2+i] = byte(length >> (56 - 8*i))
	}
	_, err := conn.Write(head)
	return err
}

// The server's times, from which a slow request is cut off.
const (
	headerTime = 10 * time.Second
	bodyTime   = 40 * time.Second
	closeTime  = 2 * time.Second // for the peer to answer a close frame
)

// TestSlowRequestsAreCutOff: the attacker takes connections and gives nothing. Its
// longest part waits for the time that a body may take, while other tests run.
func TestSlowRequestsAreCutOff(t *testing.T) {
	t.Parallel()
	s := serve(t)
	host := parsed(t, s.issuer).Host
	const each = 100
	web := func(first string) func(*testing.T) net.Conn {
		return func(t *testing.T) net.Conn {
			t.Helper()
			conn := bare(t, s.issuer)
			if _, err := io.WriteString(conn, first); err != nil {
				t.Fatal(err)
			}
			return conn
		}
	}
	push := func(first string) func(*testing.T) net.Conn {
		return func(t *testing.T) net.Conn {
			t.Helper()
			socket, err := newComputer(t, s.issuer).socket()
			if err != nil {
				t.Fatal(err)
			}
			conn := socket.UnderlyingConn() // so that nobody answers a close frame
			t.Cleanup(func() { conn.Close() })
			if _, err := io.WriteString(conn, first); err != nil {
				t.Fatal(err)
			}
			return conn
		}
	}
	for name, tt := range map[string]struct {
		open   func(*testing.T) net.Conn
		drip   string // what goes on coming
		within time.Duration
	}{
		"a connection on which nothing comes": {web(""), "", headerTime},
		"a header that comes in drops":        {web("GET /device HTTP/1.1\r\nHost: " + host + "\r\nX-Slow: "), "a", headerTime},
		"a body that comes in drops": {
			web("POST /token HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + kindForm + "\r\nContent-Length: 10000\r\n\r\n"), "a", bodyTime,
		},
		"a socket on which nothing is said": {push(""), "", wire.HelloTimeout + closeTime},
		// Of a text frame of a hundred bytes some come.
		"a hello that comes in drops": {push("\x81\xe4\x00\x00\x00\x00{"), " ", wire.HelloTimeout + closeTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const slack = 5 * time.Second
			began := time.Now()
			var all sync.WaitGroup
			for range each {
				conn := tt.open(t)
				over := make(chan struct{})
				all.Go(func() { defer close(over); ended(t, conn, tt.within+slack) })
				if tt.drip != "" {
					all.Go(func() { drip(conn, tt.drip, over) })
				}
			}
			// Meanwhile the server serves.
			answered := time.Now()
			newComputer(t, s.issuer).get("/device").want(t, "a page meanwhile", http.StatusOK, "")
			if took := time.Since(answered); took > slack {
				t.Errorf("a page took %s meanwhile", took)
			}
			all.Wait()
			if took := time.Since(began); took < tt.within-closeTime-time.Second {
				t.Errorf("cut off after %s, before the time was up: it was not the time", took)
			}
		})
	}
}

// drip sends a little at intervals, until the connection is over.
func drip(conn net.Conn, text string, over <-chan struct{}) {
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
		case <-over:
			return
		}
	}
}
