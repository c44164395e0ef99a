//go:build linux

package oauth_test

import (
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/server/oauth"
)

// TestTheKernelKeepsLittleForADesktopThatDoesNotRead: by itself it would keep megabytes.
func TestTheKernelKeepsLittleForADesktopThatDoesNotRead(t *testing.T) {
	s := serve(t, budget.Limits{})
	hijacked := make(chan net.Conn, 1)
	note := func(c net.Conn, state http.ConnState) {
		if state == http.StateHijacked {
			hijacked <- c
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: s.from(logintest.Home), ConnState: note}
	go func() { _ = h.Serve(l) }()
	defer h.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	pending(t, upgraded(t, conn, helloFrame(s.begin(nil).DeviceCode)))

	raw, err := (<-hijacked).(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var size int
	if fault := raw.Control(func(fd uintptr) {
		size, err = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	}); fault != nil || err != nil {
		t.Fatal(fault, err)
	}
	if want := 2 * oauth.SendBuffer; size > want { // socket(7): Linux doubles it, for its own book-keeping
		t.Errorf("got %d bytes, want %d", size, want)
	}
}
