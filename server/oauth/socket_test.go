package oauth

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestATapIsToldAheadOfAPublicationToAll, whose sockets stand in line by the thousand, and
// the one that the tap is about with them.
func TestATapIsToldAheadOfAPublicationToAll(t *testing.T) {
	f := &Face{heartbeat: steady}
	var r roll
	release := occupy(&f.crew, crewSize)
	sockets := make(map[string]*socket)
	for _, name := range []string{"first", "second", "tapped"} {
		s := &socket{face: f, about: &noting{id: name, roll: &r}, nextPing: time.Now().Add(time.Hour)}
		defer s.shut()
		s.wake(push.MayChanged)
		sockets[name] = s
	}
	sockets["tapped"].wake(push.Changed)
	sockets["tapped"].wake(push.Changed)
	sockets["tapped"].wake(push.MayChanged)
	done := make(chan struct{})
	f.crew.do(func() { close(done) })
	release(1) // one of the crew does all of it, so the order is its own
	<-done
	release(crewSize - 1)
	if want := []string{"tapped", "first", "second"}; !slices.Equal(r.read(), want) {
		t.Errorf("got %q, want %q, each once", r.read(), want)
	}
}

// roll is whose state was read, in its order.
type roll struct {
	mu    sync.Mutex
	names []string // guarded by mu
}

func (r *roll) read() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.names)
}

// noting is a subject about which there is never any news.
type noting struct {
	subject
	id   string
	roll *roll
}

func (n *noting) newest(context.Context) (wire.Snapshot, time.Duration, error) {
	n.roll.mu.Lock()
	defer n.roll.mu.Unlock()
	n.roll.names = append(n.roll.names, n.id)
	return wire.Snapshot{}, time.Hour, nil
}
