package oauth_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/server/oauth"
)

func TestWrongDeviceCodesAreBudgetedLikeGuesses(t *testing.T) {
	s := serve(t, budget.Limits{DeviceCodes: ratelimit.Rate{Count: 2, Per: time.Hour}})
	d := s.begin(nil)
	for range 5 {
		s.subscribe(d.DeviceCode).until(wire.StatePending) // right ones cost nothing
	}
	s.subscribe("guess 1").closed(wire.CloseUnknown)
	s.subscribe("guess 2").closed(wire.CloseUnknown)
	s.subscribe("guess 3").closed(wire.CloseOverBudget)
}

func TestARightDeviceCodeIsLetInWhateverANeighbourGuessed(t *testing.T) {
	s := serve(t, budget.Limits{DeviceCodes: ratelimit.Rate{Count: 1, Per: time.Hour}})
	d := s.begin(nil)
	s.subscribe("guess 1").closed(wire.CloseUnknown)
	s.subscribe("guess 2").closed(wire.CloseOverBudget)
	s.subscribe(d.DeviceCode).until(wire.StatePending)
}

func TestASocketThatIsRefusedCannotSendGiantFrames(t *testing.T) {
	s := serve(t, budget.Limits{Sockets: 1})
	d := s.begin(nil)
	s.subscribe(d.DeviceCode).until(wire.StatePending)
	greedy := s.connect()
	// The server stops reading at its limit, and closes; it may do so before all is written.
	_ = greedy.WriteMessage(websocket.TextMessage, make([]byte, 8<<20))
	greedy.closed(wire.CloseOverBudget)
}

func TestSocketsOfOneAddressAreLimited(t *testing.T) {
	s := serve(t, budget.Limits{Sockets: 2})
	d := s.begin(nil)
	first := s.subscribe(d.DeviceCode)
	first.until(wire.StatePending)
	s.subscribe(d.DeviceCode).until(wire.StatePending)
	s.connect().closed(wire.CloseOverBudget)
	if err := s.Deny(t.Context(), logintest.At("phone"), grantID(d.DeviceCode)); err != nil {
		t.Fatal(err)
	}
	first.closed(wire.CloseDone)
	other := s.begin(nil)
	eventually(t, "a place is free again", func() bool {
		desk := s.subscribe(other.DeviceCode)
		_, err := desk.next()
		return err == nil
	})
}

func TestTheCloseCodeReachesADesktopThatGoesOnSending(t *testing.T) {
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	for range 20 {
		desk := s.connect()
		hello := `{"type":"hello","client_id":"` + string(logintest.App) + `","device_code":"` + d.DeviceCode + `"}`
		for range 20 {
			if err := desk.WriteMessage(websocket.TextMessage, []byte(hello)); err != nil {
				break // closed already
			}
		}
		desk.closed(wire.CloseMalformed)
	}
}

func TestOneSocketTooManyReplacesTheOldest(t *testing.T) {
	s := serve(t, budget.Limits{SocketsPerGrant: 2})
	d := s.begin(nil)
	first := s.subscribe(d.DeviceCode)
	first.until(wire.StatePending) // before the next says hello, or either may be the oldest
	second := s.subscribe(d.DeviceCode)
	second.until(wire.StatePending)
	third := s.subscribe(d.DeviceCode)
	third.until(wire.StatePending)
	first.closed(wire.CloseReplaced)
	if err := s.Scan(t.Context(), logintest.At("phone"), grantID(d.DeviceCode)); err != nil {
		t.Fatal(err)
	}
	second.until(wire.StateScanned)
	third.until(wire.StateScanned)
}

func TestTooManyFramesCloseTheSocket(t *testing.T) {
	s := serve(t, budget.Limits{Frames: ratelimit.Rate{Count: 3, Per: time.Hour}})
	ada := s.Join("Ada")
	d := s.begin(nil)
	s.Approve(ada, grantID(d.DeviceCode)) // a cancel changes nothing any more
	desk := s.subscribe(d.DeviceCode)
	desk.until(wire.StateApproved)
	for range 4 {
		desk.say(`{"type":"cancel"}`)
	}
	desk.closed(wire.CloseOverBudget)
}

// TestGiantFramesAreRefusedByTheirHeaders, of which no more than that has come: nothing
// of them is buffered.
func TestGiantFramesAreRefusedByTheirHeaders(t *testing.T) {
	long := func(first byte, length uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, length), 0, 0, 0, 0)
	}
	short := func(first byte, length uint16) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{first, 0x80 | 126}, length), 0, 0, 0, 0)
	}
	const tooBig = websocket.CloseMessageTooBig
	tests := []struct {
		name   string
		before int // bytes of a message that has begun already
		header []byte
		code   int // 0: none, the connection just ends
	}{
		{"four exabytes", 0, long(0x81, 1<<62), tooBig},
		{"a length with its highest bit set", 0, long(0x81, 1<<63|5), 0}, // RFC 6455 section 5.2: it must be 0
		{"one byte too many", 0, short(0x81, wire.MaxClientFrame+1), tooBig},
		{"a fragment that is too big", 0, long(0x01, 1<<40), tooBig},
		{"fragments that sum up", wire.MaxClientFrame, clientFrame(0x00, []byte("x")), tooBig},
		{"fragments whose sum overflows", 1000, long(0x00, 1<<63-1), 0},
		{"a binary one", 0, long(0x82, 1<<40), tooBig},
		{"a ping of more than a control frame may have", 0, short(0x89, 1<<15), websocket.CloseProtocolError},
		{"a compressed one", 0, short(0xc1, 100), websocket.CloseProtocolError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			conn, in := s.pipes().subscribe(t, s.begin(nil).DeviceCode)
			pending(t, in)
			go func() { // the other end reads when it likes
				if tt.before > 0 {
					_, _ = conn.Write(clientFrame(0x01, make([]byte, tt.before)))
				}
				_, _ = conn.Write(tt.header)
			}()
			wantClosed(t, in, tt.code)
		})
	}
}

// wantClosed wants a close frame of that code, or none, and then the end.
func wantClosed(t *testing.T, in *bufio.Reader, code int) {
	t.Helper()
	if code != 0 {
		first, reason := readFrame(t, in)
		if first != 0x88 || len(reason) < 2 || int(binary.BigEndian.Uint16([]byte(reason))) != code {
			t.Fatalf("got frame %#x %q, want a close frame with code %d", first, reason, code)
		}
	}
	if b, err := in.ReadByte(); err == nil {
		t.Errorf("then came %#x, want the end", b)
	}
}

// TestDesktopsThatNeverReadHoldUpNobody: neither more of them than the crew has, nor for
// long.
func TestDesktopsThatNeverReadHoldUpNobody(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.face.SetSendTime(oauth.SendTime)
	d := s.begin(nil)
	p := s.pipes()
	const silent = 3 * oauth.CrewSize
	for range silent {
		p.subscribe(t, d.DeviceCode)
	}
	began := time.Now()
	s.subscribe(d.DeviceCode).until(wire.StatePending)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the one that reads waited %s for %d that do not", took, silent)
	}
	eventually(t, "only the one that reads is left", func() bool { return s.Hub.Waiting() == 1 })
}

// TestPingsAreAnsweredAndAFloodOfThemIsNot: an answer that nobody reads would be kept. The
// newest one is answered (RFC 6455 section 5.5.3), or its sender would take the server
// for dead.
func TestPingsAreAnsweredAndAFloodOfThemIsNot(t *testing.T) {
	const pause, pings = 300 * time.Millisecond, 500
	s := serve(t, budget.Limits{})
	s.face.SetPause(pause)
	desk := s.subscribe(s.begin(nil).DeviceCode)
	newest := fmt.Sprintf("ping %d", pings-1)
	var pongs []string
	desk.SetPongHandler(func(data string) error {
		if pongs = append(pongs, data); data == newest {
			desk.say("that's all")
		}
		return nil
	})
	began := time.Now()
	for i := range pings {
		if err := desk.WriteControl(websocket.PingMessage, fmt.Appendf(nil, "ping %d", i), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	desk.closed(wire.CloseMalformed)
	if most := 1 + int(time.Since(began)/pause); len(pongs) < 2 || len(pongs) > most || pongs[0] != "ping 0" || pongs[len(pongs)-1] != newest {
		t.Errorf("got %q, want ping 0 and %s answered, and %d at most", pongs, newest, most)
	}
}

// TestAPingAfterThePauseIsAnsweredAtOnce, however many there were before.
func TestAPingAfterThePauseIsAnsweredAtOnce(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.face.SetPause(time.Nanosecond)
	desk := s.subscribe(s.begin(nil).DeviceCode)
	pongs := make(chan string, 1)
	desk.SetPongHandler(func(data string) error { pongs <- data; return nil })
	desk.until(wire.StatePending)
	go func() { _, _ = desk.next() }() // which takes pongs
	for i := range 20 {
		ping := fmt.Sprintf("ping %d", i)
		if err := desk.WriteControl(websocket.PingMessage, []byte(ping), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-pongs:
			if got != ping {
				t.Errorf("got %q, want %q", got, ping)
			}
		case <-time.After(patience):
			t.Fatalf("%s is not answered", ping)
		}
	}
}

// TestAFloodOfHellosIsServedAFewAtATime, and whoever stands in line has said hello in
// time, however long the line is.
func TestAFloodOfHellosIsServedAFewAtATime(t *testing.T) {
	t.Parallel() // it waits until a silent desktop is given up
	const desktops = 300
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	stuck := &counting{Store: s.Service.Store, release: make(chan struct{})}
	s.Service.Store = stuck
	flood := make([]*desktop, desktops)
	for i := range flood {
		flood[i] = s.subscribe(d.DeviceCode)
	}
	s.connect().closed(wire.CloseNoHello) // so these five seconds are over for all
	close(stuck.release)
	for _, desk := range flood {
		desk.until(wire.StatePending)
	}
	if most := stuck.most.Load(); most < 2 || most > oauth.CrewSize {
		t.Errorf("%d read the store at the same time, want no more than %d", most, oauth.CrewSize)
	}
}

// counting is a store that is stuck until it is released, and knows how many readers it
// had at the same time.
type counting struct {
	store.Store
	release   chan struct{}
	now, most atomic.Int64
}

func (c *counting) View(ctx context.Context, fn func(store.Tx) error) error {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	<-c.release
	return c.Store.View(ctx, fn)
}

// TestACodeThatTheStorageDoesNotReplaceIsReplacedLater: that is no reason to hang up.
func TestACodeThatTheStorageDoesNotReplaceIsReplacedLater(t *testing.T) {
	for name, err := range map[string]error{
		"it has too much to do": store.ErrOverloaded,
		"the disk is full":      fmt.Errorf("%w: %w", store.ErrUnavailable, store.CauseFull),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, budget.Limits{})
			d := s.begin(nil)
			busy := &busy{Store: s.Service.Store, err: err}
			busy.still.Store(2)
			s.Service.Store = busy
			desk := s.subscribe(d.DeviceCode)
			desk.until(wire.StatePending)
			s.Clock.Advance(grant.RotateEvery)
			for left := int64(1); left >= -1; left-- {
				s.Hub.Publish(grantID(d.DeviceCode)) // the socket's own timer runs on the real clock
				eventually(t, "the code is due", func() bool { return busy.still.Load() <= left })
			}
			snap, err := desk.next()
			if err != nil {
				t.Fatal(err)
			}
			if snap.UserCode == d.UserCode {
				t.Errorf("got %s, want a fresh code", snap.UserCode)
			}
		})
	}
}

// busy is a store that takes so many writes not, and then all.
type busy struct {
	store.Store
	err   error
	still atomic.Int64
}

func (b *busy) Update(ctx context.Context, fn func(store.Tx) error) error {
	if b.still.Add(-1) >= 0 {
		return b.err
	}
	return b.Store.Update(ctx, fn)
}
