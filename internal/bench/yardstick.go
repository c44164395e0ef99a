package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// yardstickBytes is the length of the yardstick's answer.
const yardstickBytes = 200

// yardstick is what net/http and a WebSocket cost on this machine by themselves. Its
// every answer is that of a server that begins a grant, so that the same desktops can
// wait at it.
type yardstick struct {
	answer   []byte
	upgrader websocket.Upgrader

	mu      sync.Mutex
	sockets map[string]*websocket.Conn // by device code; guarded by mu
}

// beYardstick serves until there is nothing more to read, having said where.
func beYardstick(_ context.Context, _ []string, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	issuer := fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port)
	if _, err := fmt.Fprintln(out, issuer); err != nil {
		return err
	}
	server := &http.Server{Handler: newYardstick(issuer)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	_, fault := io.Copy(io.Discard, in)
	fault = errors.Join(fault, server.Close())
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(fault, err)
	}
	return fault
}

func newYardstick(issuer string) http.Handler {
	answer := fmt.Sprintf(`{"device_code":"yardstick","push_uri":"ws%s/push","padding":"`, strings.TrimPrefix(issuer, "http"))
	answer += strings.Repeat("x", yardstickBytes-len(answer)-2) + `"}`
	y := &yardstick{
		answer:   []byte(answer),
		sockets:  map[string]*websocket.Conn{},
		upgrader: websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 512, WriteBufferPool: new(sync.Pool), Subprotocols: []string{wire.PushSubprotocol}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", y.plain)
	mux.HandleFunc("POST /tell", y.tell)
	mux.HandleFunc("GET /push", y.push)
	return mux
}

// plain is the yardstick of requests.
func (y *yardstick) plain(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(y.answer)
}

// push is the yardstick of sockets: the handler returns, and the reader is a goroutine.
func (y *yardstick) push(w http.ResponseWriter, r *http.Request) {
	conn, err := y.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	go y.follow(conn)
}

func (y *yardstick) follow(conn *websocket.Conn) {
	defer conn.Close()
	var hello wire.ClientFrame
	if conn.ReadJSON(&hello) != nil || y.greet(conn, hello.DeviceCode) != nil {
		return
	}
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return
		}
	}
}

// greet writes the first frame, and notes the socket. Who has read that frame may have
// the socket told at once: tell waits until both are done.
func (y *yardstick) greet(conn *websocket.Conn, deviceCode string) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.sockets[deviceCode] = conn
	return conn.WriteJSON(wire.Snapshot{State: wire.StatePending})
}

// tell writes a frame to the socket of a device code, and answers. Only one tells at a
// time.
func (y *yardstick) tell(w http.ResponseWriter, r *http.Request) {
	y.mu.Lock()
	conn := y.sockets[r.PostFormValue(wire.ParamDeviceCode)]
	y.mu.Unlock()
	if conn == nil {
		http.Error(w, "nobody waits for that", http.StatusNotFound)
		return
	}
	_ = conn.WriteJSON(wire.Snapshot{State: wire.StateApproved}) // its reader notices
	_, _ = w.Write(y.answer)
}

// rule is a yardstick that runs, and where.
type rule struct {
	*helper
	server *load.Server
}

// startYardstick runs one as a process of its own.
func startYardstick(ctx context.Context) (rule, error) {
	h, err := startHelper(ctx, roleYardstick)
	if err != nil {
		return rule{}, err
	}
	issuer, err := h.hear()
	if err != nil {
		return rule{}, errors.Join(err, h.stop())
	}
	server, err := load.At(issuer)
	if err != nil {
		return rule{}, errors.Join(err, h.stop())
	}
	return rule{h, server}, nil
}
