package server

import (
	"errors"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// attach connects a desktop that waits.
func attach(t *testing.T, d wire.DeviceAuthorization) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{wire.PushSubprotocol}}
	conn, resp, err := dialer.DialContext(t.Context(), d.PushURI, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		resp.Body.Close()
	})
	if err := conn.WriteJSON(wire.ClientFrame{Type: wire.FrameHello, ClientID: DemoClientID, DeviceCode: d.DeviceCode}); err != nil {
		t.Fatal(err)
	}
	var first wire.Snapshot
	if err := conn.ReadJSON(&first); err != nil || first.State != wire.StatePending {
		t.Fatalf("got %+v, %v, want a pending snapshot", first, err)
	}
	return conn
}

// TestAnOperatorsChangeReachesAWaitingDesktop: the command line is another
// process, which knows nothing of this one's sockets.
func TestAnOperatorsChangeReachesAWaitingDesktop(t *testing.T) {
	c := demoConfig(t)
	s := run(t, c, nil)
	desk := attach(t, start(t, newClient(t, nil), s.Issuer()))
	db, err := sqlite.Open(t.Context(), Database(c.DataDir), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := (admin.Operator{Store: db}).RemoveClient(t.Context(), DemoClientID); err != nil {
		t.Fatal(err)
	}
	var last wire.Snapshot
	if err := desk.ReadJSON(&last); err != nil || last.State != wire.StateDenied {
		t.Errorf("got %+v, %v, want a denied snapshot", last, err)
	}
	var closed *websocket.CloseError
	if _, _, err := desk.ReadMessage(); !errors.As(err, &closed) || closed.Code != wire.CloseDone {
		t.Errorf("got %v, want close code %d", err, wire.CloseDone)
	}
}
