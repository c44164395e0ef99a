package oauth_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// pipes is a listener without a kernel in between: what the one end does not read the
// other one cannot write.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

var errPipesClosed = errors.New("closed")

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, errPipesClosed
	}
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// pipes serves the face on pipes as well.
func (s *server) pipes() pipes {
	p := pipes{make(chan net.Conn), make(chan struct{})}
	h := &http.Server{Handler: s.from(logintest.Home)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = h.Serve(p)
	}()
	s.t.Cleanup(func() {
		close(p.closed)
		<-served
		_ = h.Close()
	})
	return p
}

// subscribe opens a push channel by hand, says hello, and leaves the reading to the
// caller. It closes with the test.
func (p pipes) subscribe(t testing.TB, deviceCode string) (net.Conn, *bufio.Reader) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close() })
	p.conns <- theirs
	return ours, upgraded(t, ours, helloFrame(deviceCode))
}

// upgraded shakes hands on a connection and sends the frames.
func upgraded(t testing.TB, conn net.Conn, frames ...[]byte) *bufio.Reader {
	t.Helper()
	const handshake = "GET " + wire.PathPush + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
		"Sec-WebSocket-Protocol: " + wire.PushSubprotocol + "\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
	if _, err := conn.Write([]byte(handshake)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v; want the socket", answer, err)
	}
	if got := answer.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		t.Fatalf("extensions: got %q, want none", got)
	}
	for _, f := range frames {
		if _, err := conn.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func helloFrame(deviceCode string) []byte {
	return clientFrame(0x81, []byte(`{"type":"hello","client_id":"`+string(logintest.App)+`","device_code":"`+deviceCode+`"}`))
}

// clientFrame is a frame of a client with that first byte (RFC 6455 section 5.2), masked
// with zeros.
func clientFrame(first byte, payload []byte) []byte {
	n := len(payload)
	head := []byte{first, 0x80 | byte(n)}
	if n > 125 {
		head = []byte{first, 0x80 | 126, byte(n >> 8), byte(n)}
	}
	return append(append(head, 0, 0, 0, 0), payload...)
}

// readFrame is the next frame of the server, of 125 bytes or up to 64 KiB.
func readFrame(t testing.TB, in *bufio.Reader) (first byte, payload string) {
	t.Helper()
	read := func(n int) []byte {
		bytes := make([]byte, n)
		if _, err := io.ReadFull(in, bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	head := read(2)
	n := int(head[1])
	if n == 126 {
		n = int(binary.BigEndian.Uint16(read(2)))
	}
	return head[0], string(read(n))
}

// pending reads the snapshot that answers a hello.
func pending(t testing.TB, in *bufio.Reader) {
	t.Helper()
	if _, snap := readFrame(t, in); !strings.Contains(snap, `"pending"`) {
		t.Fatalf("got %s, want pending", snap)
	}
}
