package oauth_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
)

// TestADrainEndsInTimeWhoeverDoesNotRead: it takes as long as it is given, and not as
// long as those take that are stuck.
func TestADrainEndsInTimeWhoeverDoesNotRead(t *testing.T) {
	const stuck = 600 // more than can be told at the same time, twice
	s := serve(t, budget.Limits{})
	d := s.begin(nil)
	p := s.pipes()
	conns := make([]net.Conn, stuck)
	for i := range conns {
		conn, in := p.subscribe(t, d.DeviceCode)
		pending(t, in)
		conns[i] = conn // and reads no more
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.face.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %s", took)
	}
	eventually(t, "all are gone", func() bool { return s.Hub.Waiting() == 0 })
}
