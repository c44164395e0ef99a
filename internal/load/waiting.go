package load

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// Waiting is a desktop that waits on the push channel for its grant. It reads what
// comes, and answers pings, and does no more.
type Waiting struct {
	Grant wire.DeviceAuthorization
	conn  *websocket.Conn

	mu     sync.Mutex
	newest wire.Snapshot // guarded by mu
	frames int           // guarded by mu
	ended  chan struct{}
	err    error // of the last read; set when ended is closed
}

// writeBuffers is shared by all desktops: most never write after their hello.
var writeBuffers = new(sync.Pool)

// Attach connects a desktop to the push channel of the server for a grant, and waits
// for the first snapshot. From is the address that it comes from, such as
// 127.0.0.2; nil: any. One address has ports for 28,000 desktops at most.
func Attach(ctx context.Context, s *Server, d wire.DeviceAuthorization, from net.IP) (*Waiting, error) {
	dialer := net.Dialer{Timeout: answerTime, Control: latePort}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	ws := websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, s.Address)
		},
		ReadBufferSize: 512, WriteBufferSize: 512, WriteBufferPool: writeBuffers,
		Subprotocols: []string{wire.PushSubprotocol},
	}
	conn, answer, err := ws.DialContext(ctx, d.PushURI, nil)
	if err != nil {
		return nil, refused(err, answer)
	}
	w := &Waiting{Grant: d, conn: conn, ended: make(chan struct{})}
	hello := wire.ClientFrame{Type: wire.FrameHello, ClientID: App, DeviceCode: d.DeviceCode}
	err = conn.WriteJSON(hello)
	if err == nil {
		err = w.read()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go w.follow()
	return w, nil
}

// bindAddressNoPort has Linux choose the port when it connects and not before
// (IP_BIND_ADDRESS_NO_PORT of ip(7)): one that is in use towards another server, or was
// until a moment ago, may be taken again.
const bindAddressNoPort = 24

func latePort(_, _ string, c syscall.RawConn) (err error) {
	if outer := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, bindAddressNoPort, 1)
	}); outer != nil {
		return outer
	}
	return err
}

func refused(err error, answer *http.Response) error {
	if answer == nil {
		return err
	}
	return &Refusal{wire.PathPush, answer.StatusCode, "", answer.Header.Get("Retry-After")}
}

func (w *Waiting) read() error {
	var snap wire.Snapshot
	if err := w.conn.ReadJSON(&snap); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newest = snap
	w.frames++
	return nil
}

func (w *Waiting) follow() {
	defer close(w.ended)
	for w.err == nil {
		w.err = w.read()
	}
}

// Newest is the last snapshot, and how many there were.
func (w *Waiting) Newest() (wire.Snapshot, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest, w.frames
}

// Ended is closed when the conversation has ended; Why says how, with a
// *websocket.CloseError where the server has told.
func (w *Waiting) Ended() <-chan struct{} { return w.ended }

// Why is to be asked after Ended.
func (w *Waiting) Why() error { return w.err }

// Close leaves.
func (w *Waiting) Close() error {
	err := w.conn.Close()
	<-w.ended
	return err
}
