package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// patience bounds a wait for an event that should come at once.
const patience = 10 * time.Second

// desktop is the other end of the push channel.
type desktop struct {
	*websocket.Conn
	t testing.TB
}

func (s *server) dial(header http.Header) (*desktop, error) {
	dialer := websocket.Dialer{Subprotocols: []string{wire.PushSubprotocol}, HandshakeTimeout: patience}
	conn, resp, err := dialer.DialContext(s.t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+wire.PathPush, header)
	if err != nil {
		if resp != nil {
			err = fmt.Errorf("%w: %s", err, resp.Status)
		}
		return nil, err
	}
	s.t.Cleanup(func() { conn.Close() })
	return &desktop{conn, s.t}, nil
}

func (s *server) connect() *desktop {
	s.t.Helper()
	d, err := s.dial(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// subscribe connects and says hello for the device code.
func (s *server) subscribe(deviceCode string) *desktop {
	s.t.Helper()
	d := s.connect()
	d.say(`{"type":"hello","client_id":"` + string(logintest.App) + `","device_code":"` + deviceCode + `"}`)
	return d
}

func (d *desktop) say(frame string) {
	d.t.Helper()
	if err := d.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		d.t.Fatal(err)
	}
}

// frames are those that come until the server closes, as they are.
func (d *desktop) frames() (list []string) {
	d.t.Helper()
	for {
		_ = d.SetReadDeadline(time.Now().Add(patience))
		_, data, err := d.ReadMessage()
		if errors.As(err, new(*websocket.CloseError)) {
			return list
		}
		if err != nil {
			d.t.Fatal(err)
		}
		list = append(list, string(data))
	}
}

func (d *desktop) next() (wire.Snapshot, error) {
	_ = d.SetReadDeadline(time.Now().Add(patience))
	_, data, err := d.ReadMessage()
	if err != nil {
		return wire.Snapshot{}, err
	}
	var snap wire.Snapshot
	if err := json.Unmarshal(data, &snap); err != nil {
		d.t.Fatalf("frame %s: %v", data, err)
	}
	return snap, nil
}

// until reads frames until one has the state, and checks that seq grows.
func (d *desktop) until(want wire.State) wire.Snapshot {
	d.t.Helper()
	var last int64
	for {
		snap, err := d.next()
		if err != nil {
			d.t.Fatalf("waiting for %s: %v", want, err)
		}
		if snap.Seq <= last {
			d.t.Errorf("seq %d after %d", snap.Seq, last)
		}
		last = snap.Seq
		if snap.State == want {
			return snap
		}
	}
}

// closed reads on until the server closes, and wants the code.
func (d *desktop) closed(code int) string {
	d.t.Helper()
	for {
		_, err := d.next()
		if err == nil {
			continue
		}
		var closeErr *websocket.CloseError
		if !errors.As(err, &closeErr) || closeErr.Code != code {
			d.t.Fatalf("got %v, want close code %d", err, code)
		}
		return closeErr.Text
	}
}

func TestASnapshotComesAtOnce(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	snap, err := s.subscribe(d.DeviceCode).next()
	if err != nil {
		t.Fatal(err)
	}
	if snap.State != wire.StatePending || snap.UserCode != d.UserCode || snap.VerificationURIComplete != d.VerificationURIComplete {
		t.Errorf("got %+v, want pending with %s", snap, d.UserCode)
	}
	if snap.ExpiresIn < 295 || snap.ExpiresIn > 300 || snap.CodeExpiresIn < 40 || snap.CodeExpiresIn > 45 {
		t.Errorf("expires_in %d, code_expires_in %d; want about 300 and 45", snap.ExpiresIn, snap.CodeExpiresIn)
	}
}

func TestTheDesktopSeesEachStateAndEndsWithTokens(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	d := s.begin(nil)
	id := grantID(d.DeviceCode)
	first, second := s.subscribe(d.DeviceCode), s.subscribe(d.DeviceCode)
	first.until(wire.StatePending)
	second.until(wire.StatePending)
	if err := s.Scan(t.Context(), ada.Visitor(), id); err != nil {
		t.Fatal(err)
	}
	first.until(wire.StateScanned)
	s.Approve(ada, id)
	_ = first.SetReadDeadline(time.Now().Add(patience))
	for {
		_, frame, err := first.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(frame), "token") || strings.Contains(string(frame), d.DeviceCode) {
			t.Fatalf("a frame holds a secret: %s", frame)
		}
		if strings.Contains(string(frame), `"approved"`) {
			break
		}
	}
	second.until(wire.StateApproved)
	if a := s.poll(d.DeviceCode); a.StatusCode != http.StatusOK {
		t.Fatalf("the poll right after the push: %s %s", a.Status, a.body)
	}
	for _, desk := range []*desktop{first, second} {
		desk.until(wire.StateRedeemed)
		desk.closed(wire.CloseDone)
	}
}

func TestThePollAfterThePushIsNeverSlowed(t *testing.T) {
	s := serve(t, budget.Limits{})
	ada := s.Join("Ada")
	d := s.begin(nil)
	s.poll(d.DeviceCode)
	s.poll(d.DeviceCode) // too soon
	desk := s.subscribe(d.DeviceCode)
	s.Approve(ada, grantID(d.DeviceCode))
	desk.until(wire.StateApproved)
	if a := s.poll(d.DeviceCode); a.StatusCode != http.StatusOK {
		t.Errorf("got %s %s, want tokens", a.Status, a.body)
	}
}

func TestTerminalStatesCloseTheSocket(t *testing.T) {
	tests := []struct {
		state wire.State
		end   func(s *server, id auth.GrantID) error
	}{
		{wire.StateDenied, func(s *server, id auth.GrantID) error { return s.Deny(s.t.Context(), logintest.At("phone"), id) }},
		{wire.StateCancelled, func(s *server, id auth.GrantID) error {
			return s.Cancel(s.t.Context(), logintest.App, id, logintest.Home)
		}},
		{wire.StateExpired, func(s *server, id auth.GrantID) error {
			s.Clock.Advance(auth.DefaultLifetime)
			s.Hub.Publish(id) // the socket's own timer runs on the real clock
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(string(tt.state), func(t *testing.T) {
			s := serve(t, budget.Limits{})
			d := s.begin(nil)
			desk := s.subscribe(d.DeviceCode)
			desk.until(wire.StatePending)
			if err := tt.end(s, grantID(d.DeviceCode)); err != nil {
				t.Fatal(err)
			}
			desk.until(tt.state)
			desk.closed(wire.CloseDone)
		})
	}
}

func TestADesktopThatComesBackLearnsHowItEnded(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	if err := s.Deny(t.Context(), logintest.At("phone"), grantID(d.DeviceCode)); err != nil {
		t.Fatal(err)
	}
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StateDenied)
	desk.closed(wire.CloseDone)
}

func TestCancelFromTheDesktopEndsTheGrant(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StatePending)
	desk.say(`{"type":"cancel"}`)
	desk.until(wire.StateCancelled)
	desk.closed(wire.CloseDone)
	if g, _ := s.Grant(t.Context(), grantID(d.DeviceCode)); g.State != grant.Cancelled {
		t.Errorf("the grant is %s, want cancelled", g.State)
	}
}

func TestAWrongHelloIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.AddClient(auth.Client{ID: "another", Name: "Another"})
	d, old := s.begin(nil), s.begin(quick(s, "quick"))
	s.Clock.Advance(time.Minute)
	hello := func(client, code string) string {
		return `{"type":"hello","client_id":"` + client + `","device_code":"` + code + `"}`
	}
	tests := []struct {
		name, frame string
		code        int
	}{
		{"an unknown device code", hello(string(logintest.App), "guess"), wire.CloseUnknown},
		{"another client's device code", hello("another", d.DeviceCode), wire.CloseUnknown},
		{"an expired device code", hello("quick", old.DeviceCode), wire.CloseUnknown},
		{"the user code in its place", hello(string(logintest.App), d.UserCode), wire.CloseUnknown},
		{"no device code", `{"type":"hello","client_id":"x"}`, wire.CloseMalformed},
		{"something else first", `{"type":"cancel"}`, wire.CloseMalformed},
		{"an unknown type", `{"type":"subscribe"}`, wire.CloseMalformed},
		{"no JSON", `hello`, wire.CloseMalformed},
		{"two objects in one frame", hello(string(logintest.App), d.DeviceCode) + "{}", wire.CloseMalformed},
		{"a frame that is too large", hello(string(logintest.App), strings.Repeat("x", wire.MaxHello)), websocket.CloseMessageTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			desk := s.connect()
			desk.say(tt.frame)
			desk.closed(tt.code)
		})
	}
	t.Run("a binary frame", func(t *testing.T) {
		desk := s.connect()
		if err := desk.WriteMessage(websocket.BinaryMessage, []byte(hello(string(logintest.App), d.DeviceCode))); err != nil {
			t.Fatal(err)
		}
		desk.closed(wire.CloseMalformed)
	})
	t.Run("a second hello", func(t *testing.T) {
		desk := s.subscribe(d.DeviceCode)
		desk.say(hello(string(logintest.App), d.DeviceCode))
		desk.closed(wire.CloseMalformed)
	})
}

// quick adds a client whose grants last a minute, and is its request.
func quick(s *server, id auth.ClientID) map[string][]string {
	s.AddClient(auth.Client{ID: id, Name: "Quick", Lifetime: time.Minute})
	return map[string][]string{"client_id": {string(id)}}
}

func TestNoHelloWithinFiveSecondsClosesTheSocket(t *testing.T) {
	t.Parallel()
	s := serve(t, budget.Limits{})
	began := time.Now()
	s.connect().closed(wire.CloseNoHello)
	if took := time.Since(began); took < wire.HelloTimeout-time.Second {
		t.Errorf("closed after %s already", took)
	}
}

func TestAForeignOriginIsRefused(t *testing.T) {
	s := serve(t, budget.Limits{})
	if _, err := s.dial(http.Header{"Origin": {"https://evil.example"}}); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("got %v, want 403", err)
	}
	if _, err := s.dial(http.Header{"Origin": {s.URL}}); err != nil {
		t.Errorf("our own origin: %v", err)
	}
}

// eventually tries until it holds: for what another goroutine is about to do.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for !holds() {
		if ctx.Err() != nil {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestTheCodeRotatesWhileTheDesktopIsConnected(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StatePending)
	s.Clock.Advance(grant.RotateEvery)
	s.Hub.Publish(grantID(d.DeviceCode)) // the socket's own timer runs on the real clock
	snap, err := desk.next()
	if err != nil {
		t.Fatal(err)
	}
	if snap.UserCode == d.UserCode || !strings.Contains(snap.VerificationURIComplete, "="+snap.UserCode+"&k=") || snap.State != wire.StatePending {
		t.Errorf("got %+v, want a fresh code of the same grant", snap)
	}
}

func TestADesktopThatConnectsLateGetsAFreshCodeAtOnce(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	s.Clock.Advance(2 * time.Minute)
	snap, err := s.subscribe(d.DeviceCode).next()
	if err != nil || snap.UserCode == d.UserCode {
		t.Errorf("got %q, %v; want another code than the first", snap.UserCode, err)
	}
}

func TestDrainTellsEveryDesktopWhenToComeBack(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	desks := []*desktop{s.subscribe(d.DeviceCode), s.subscribe(d.DeviceCode), s.connect()}
	desks[0].until(wire.StatePending)
	desks[1].until(wire.StatePending)
	drained := make(chan error, 1)
	go func() { drained <- s.face.Drain(t.Context()) }()
	for _, desk := range desks {
		if after, ok := wire.ParseRetryAfter(desk.closed(wire.CloseRestart)); !ok || after < time.Second || after > time.Minute {
			t.Errorf("got retry_after %s, %t; want a second or a few", after, ok)
		}
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if _, err := s.dial(nil); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("afterwards: got %v, want 503", err)
	}
	if n := s.Hub.Waiting(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// TestADesktopThatConnectsAsTheServerStopsIsTold: a handshake that has succeeded
// must not end in silence.
func TestADesktopThatConnectsAsTheServerStopsIsTold(t *testing.T) {
	s := serve(t, budget.Limits{})
	connected := make(chan *desktop, 50)
	var dials sync.WaitGroup
	for range cap(connected) {
		dials.Go(func() {
			desk, err := s.dial(nil)
			if err == nil {
				connected <- desk
			} else if !strings.Contains(err.Error(), "503") {
				t.Errorf("got %v, want the socket or 503", err)
			}
		})
	}
	(<-connected).UnderlyingConn().Close()
	drained := make(chan error, 1)
	go func() { drained <- s.face.Drain(t.Context()) }()
	dials.Wait()
	close(connected)
	for desk := range connected {
		desk.closed(wire.CloseRestart)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
}

func TestADesktopThatVanishesLeavesNothingBehind(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StatePending)
	desk.UnderlyingConn().Close()
	eventually(t, "the subscription is gone", func() bool { return s.Hub.Waiting() == 0 })
}

func TestADesktopThatAnswersPingsStaysAndOneThatDoesNotIsDropped(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.face.SetHeartbeat(20*time.Millisecond, 200*time.Millisecond)
	lively, dead := s.begin(nil), s.begin(nil)
	answers := s.subscribe(lively.DeviceCode)
	pings := make(chan struct{}, 1000)
	pong := answers.PingHandler()
	answers.SetPingHandler(func(data string) error {
		pings <- struct{}{}
		return pong(data)
	})
	answers.until(wire.StatePending)
	s.subscribe(dead.DeviceCode).until(wire.StatePending) // and reads no more, so it answers nothing
	eventually(t, "both are connected", func() bool { return s.Hub.Waiting() == 2 })
	heard := make(chan error, 1)
	go func() { // answers while it waits for the next frame
		_, err := answers.next()
		heard <- err
	}()
	eventually(t, "the silent one is dropped", func() bool { return s.Hub.Waiting() == 1 })
	if len(pings) == 0 {
		t.Error("the lively one was not pinged")
	}
	if err := s.Scan(t.Context(), logintest.At("phone"), grantID(lively.DeviceCode)); err != nil {
		t.Fatal(err)
	}
	if err := <-heard; err != nil {
		t.Errorf("the lively one was dropped: %v", err)
	}
}
