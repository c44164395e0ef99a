package oauth

import (
	"net/http"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// writeBuffers is shared by all sockets: a buffer is held only while a frame is
// written.
var writeBuffers = new(sync.Pool)

// handshakeTimeout is for the peer to take the answer to its handshake.
const handshakeTimeout = 5 * time.Second

// push upgrades a desktop to the push channel. The handler returns at once and
// leaves the socket to a goroutine of its own, which costs half as much as one
// that stays in ServeHTTP.
func (f *Face) push(w http.ResponseWriter, r *http.Request) {
	if !f.sockets.enter() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
		return
	}
	defer f.sockets.entering.Done()
	conn, err := f.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	s := newSocket(f, conn, peer.Address(r))
	f.sockets.add(s)
	if !f.Budgets.AcquireSocket(s.address) {
		go s.refuse(wire.CloseOverBudget)
		return
	}
	s.hold(f.Budgets.ReleaseSocket)
	go s.serve()
}

// refuseUpgrade answers a request that is no handshake, or one from a foreign origin.
func refuseUpgrade(w http.ResponseWriter, _ *http.Request, status int, reason error) {
	http.Error(w, "this is the WebSocket push channel ("+wire.PushSubprotocol+"): "+reason.Error(), status)
}
