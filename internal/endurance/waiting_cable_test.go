package endurance

import (
	"net"
	"os"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// cable is the server's end of a connection that is in memory. At its other end is a
// desktop that has no goroutine: it hears what is written within the writer's call, and
// what it says lies there to be read. So fifty thousand fit into a process that may have
// but a few thousand files.
type cable struct {
	net.Conn // nil; what is not here is not called
	desk     *cabled

	mu     sync.Mutex
	said   []byte     // by the desktop, and not read yet; guarded by mu
	more   *sync.Cond // said, until or closed is another
	until  time.Time  // deadline for reading, of which only one that is past ends a read that waits; guarded by mu
	closed bool       // guarded by mu
}

// handshake opens the push channel (RFC 6455 section 4.1).
const handshake = "GET " + wire.PathPush + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Protocol: " + wire.PushSubprotocol + "\r\n\r\n"

func newCable(d *cabled) *cable {
	c := &cable{desk: d, said: []byte(handshake)}
	c.more = sync.NewCond(&c.mu)
	return c
}

func (c *cable) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.said) == 0 {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case !c.until.IsZero() && !time.Now().Before(c.until):
			return 0, os.ErrDeadlineExceeded
		}
		c.more.Wait()
	}
	n := copy(p, c.said)
	c.said = c.said[n:]
	return n, nil
}

func (c *cable) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.said = append(c.said, c.desk.hear(p)...)
	c.more.Signal()
	return len(p), nil
}

func (c *cable) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.more.Broadcast()
	return nil
}

func (c *cable) SetReadDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = at
	c.more.Broadcast()
	return nil
}

func (c *cable) SetDeadline(at time.Time) error   { return c.SetReadDeadline(at) }
func (c *cable) SetWriteDeadline(time.Time) error { return nil }
func (c *cable) RemoteAddr() net.Addr             { return c.desk.from }
func (c *cable) LocalAddr() net.Addr              { return c.desk.from }

// cables is the listener that they come in by.
type cables struct {
	coming chan net.Conn
	closed chan struct{}
}

func (l cables) Accept() (net.Conn, error) {
	select {
	case c := <-l.coming:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l cables) Close() error   { return nil }
func (l cables) Addr() net.Addr { return new(net.TCPAddr) }
