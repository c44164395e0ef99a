package oauth_test

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/wire"
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
