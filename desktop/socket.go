package desktop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	handshakeTimeout = 10 * time.Second // for a proxy that swallows the upgrade
	silenceLimit     = 70 * time.Second // without a frame or a ping the channel is dead
	writeTimeout     = 5 * time.Second
)

// socket is one push channel, from the dial to the drop. Its goroutine reads;
// its owner may write once a snapshot has come.
type socket struct {
	events chan socketEvent // each a snapshot, the last one a drop
	cancel context.CancelFunc
	conn   *websocket.Conn // the owner's, set by the first event
}

// socketEvent is what a socket tells its owner.
type socketEvent struct {
	conn     *websocket.Conn
	snapshot wire.Snapshot
	drop     *drop // the last event
}

// hello is what opens a channel.
type hello struct {
	endpoint string
	frame    wire.ClientFrame
}

// openSocket dials in a goroutine that ends with ctx or with the channel, and
// calls done when it has.
func openSocket(ctx context.Context, dialer *websocket.Dialer, h hello, done func()) *socket {
	ctx, cancel := context.WithCancel(ctx)
	s := &socket{events: make(chan socketEvent), cancel: cancel}
	go func() {
		defer done()
		defer cancel()
		d := s.serve(ctx, dialer, h)
		s.send(ctx, socketEvent{drop: &d})
	}()
	return s
}

// up reports whether the server has spoken on the channel.
func (s *socket) up() bool { return s != nil && s.conn != nil }

// say writes the owner's frame.
func (s *socket) say(f wire.ClientFrame) error { return writeFrame(s.conn, f) }

// close takes leave, as well as that goes, and ends the goroutine.
func (s *socket) close() {
	if s.conn != nil {
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
	}
	s.cancel()
}

func (s *socket) send(ctx context.Context, e socketEvent) {
	select {
	case s.events <- e:
	case <-ctx.Done():
	}
}

// serve runs the channel and says how it ended.
func (s *socket) serve(ctx context.Context, dialer *websocket.Dialer, h hello) drop {
	conn, refusal, err := dial(ctx, dialer, h)
	if err != nil {
		return refusal
	}
	defer conn.Close()
	return s.read(ctx, conn)
}

// read passes the snapshots on until the channel ends.
func (s *socket) read(ctx context.Context, conn *websocket.Conn) drop {
	var born time.Time
	for {
		snapshot, err := nextSnapshot(conn)
		if err != nil {
			return dropOf(err, born)
		}
		if born.IsZero() {
			born = time.Now()
		}
		s.send(ctx, socketEvent{conn: conn, snapshot: snapshot})
	}
}

// dial opens the connection and says hello. The device code or the access token goes
// into the first frame, for URLs end up in logs.
func dial(ctx context.Context, dialer *websocket.Dialer, h hello) (*websocket.Conn, drop, error) {
	conn, res, err := leashed(ctx, dialer).DialContext(ctx, h.endpoint, nil)
	if err != nil {
		return nil, refusalOf(res, err), err
	}
	if err := greet(conn, h.frame); err != nil {
		conn.Close()
		return nil, dropOf(err, time.Time{}), err
	}
	return conn, drop{}, nil
}

func greet(conn *websocket.Conn, f wire.ClientFrame) error {
	if conn.Subprotocol() != wire.PushSubprotocol {
		return fmt.Errorf("%w: it speaks another protocol", errFrame)
	}
	conn.SetReadLimit(maxServerFrame)
	conn.SetPingHandler(func(data string) error { return pong(conn, data) })
	return errors.Join(conn.SetReadDeadline(time.Now().Add(silenceLimit)), writeFrame(conn, f))
}

// pong answers a ping, which also is a sign of life. A pong that cannot be
// written now is no reason to hang up; the reader will notice soon enough.
func pong(conn *websocket.Conn, data string) error {
	_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
	return conn.SetReadDeadline(time.Now().Add(silenceLimit))
}

func writeFrame(conn *websocket.Conn, f wire.ClientFrame) error {
	if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return conn.WriteJSON(f)
}

func nextSnapshot(conn *websocket.Conn) (wire.Snapshot, error) {
	_, data, err := conn.ReadMessage()
	if err != nil {
		return wire.Snapshot{}, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(silenceLimit)); err != nil {
		return wire.Snapshot{}, err
	}
	return parseSnapshot(data)
}

// refusalOf reads a handshake that failed.
func refusalOf(res *http.Response, err error) drop {
	d := drop{err: err}
	if res != nil && errors.Is(err, websocket.ErrBadHandshake) {
		d.status = res.StatusCode
		d.retryAfter = retryAfter(res.Header, time.Now())
	}
	return d
}

// dropOf reads the end of an open channel. A server that does not speak the
// protocol counts as one that refused it.
func dropOf(err error, born time.Time) drop {
	d := drop{err: err}
	if !born.IsZero() {
		d.lived = time.Since(born)
	}
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed):
		d.code, d.reason = closed.Code, closed.Text
	case errors.Is(err, errFrame), errors.Is(err, websocket.ErrReadLimit):
		d.code = websocket.CloseProtocolError
	}
	return d
}

// dialer makes the push channel go the way that the app's requests go: same
// proxy, same dialer, same TLS settings. It is nil when push is off, or when the
// transport does not tell them: the device code goes no other way.
func (c *Client) dialer() *websocket.Dialer {
	if !c.push {
		return nil
	}
	t := c.transport()
	if t == nil {
		c.log.Debug("the push channel is off: it can't go the way of the HTTP client's transport")
		return nil
	}
	d := &websocket.Dialer{
		NetDialContext:   new(net.Dialer).DialContext,
		HandshakeTimeout: handshakeTimeout,
		Subprotocols:     []string{wire.PushSubprotocol},
		ReadBufferSize:   1 << 10,
		WriteBufferSize:  1 << 10,
	}
	borrow(d, t.Clone())
	return d
}

// transport is the transport of the app's requests if all of its ways can be
// borrowed, else nil.
func (c *Client) transport() *http.Transport {
	way := c.http.Transport
	if way == nil {
		way = http.DefaultTransport // which the app may have replaced
	}
	t, ok := way.(*http.Transport)
	//lint:ignore SA1019 an app that still sets them may pin there
	if !ok || t.Dial != nil || t.DialTLS != nil {
		return nil
	}
	return t
}

func borrow(d *websocket.Dialer, t *http.Transport) {
	d.Proxy = t.Proxy
	d.NetDialTLSContext = t.DialTLSContext
	if t.DialContext != nil {
		d.NetDialContext = t.DialContext
	}
	if t.TLSClientConfig != nil {
		d.TLSClientConfig = t.TLSClientConfig
		d.TLSClientConfig.NextProtos = []string{"http/1.1"} // the transport adds h2, which knows no upgrade
	}
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// leashed is a dialer whose connections close when life ends, so that neither a
// handshake nor a read outlives the socket. (The ctx that a dial function gets
// ends with the handshake.)
func leashed(life context.Context, d *websocket.Dialer) *websocket.Dialer {
	on := *d
	on.NetDialContext = leash(life, d.NetDialContext)
	on.NetDialTLSContext = leash(life, d.NetDialTLSContext)
	return &on
}

func leash(life context.Context, dial dialFunc) dialFunc {
	if dial == nil {
		return nil
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(life, func() { conn.Close() })
		return conn, nil
	}
}

// helloFor is how a login opens its channel.
func (c *Client) helloFor(endpoint *url.URL, deviceCode string) hello {
	return hello{endpoint.String(), wire.ClientFrame{Type: wire.FrameHello, ClientID: c.clientID, DeviceCode: deviceCode}}
}

// helloOf is how a session opens its channel.
func helloOf(endpoint *url.URL, accessToken string) hello {
	return hello{endpoint.String(), wire.ClientFrame{Type: wire.FrameHello, AccessToken: accessToken}}
}
