package e2e

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/load"
)

// BenchmarkSignOutToDesktop is the time from "Sign out" in the list on the phone to the
// end of Session.Watch on the desktop: the built server, HTTP and a socket on loopback, and a
// commit to the disk. The slowest of all is told too.
func BenchmarkSignOutToDesktop(b *testing.B) {
	server, phone := serveBench(b)
	attached := make(chan struct{}, 1)
	client, err := desktop.New(desktop.Config{Issuer: server.Issuer, ClientID: demoClient, HTTPClient: overhear(b, attached)})
	if err != nil {
		b.Fatal(err)
	}
	var slowest time.Duration
	for b.Loop() {
		b.StopTimer()
		session := signInBench(b, client, phone)
		select { // what the last one's socket has said twice
		case <-attached:
		default:
		}
		watched := make(chan error, 1)
		go func() { watched <- session.Watch(b.Context()) }()
		<-attached
		computers, err := phone.Computers()
		if err != nil || len(computers) != 1 {
			b.Fatalf("got the computers %q, %v, want one", computers, err)
		}
		b.StartTimer()
		tapped := time.Now()
		if err := phone.SignOutComputer(computers[0]); err != nil {
			b.Fatal(err)
		}
		if err := <-watched; !errors.Is(err, desktop.ErrSignedOut) {
			b.Fatalf("the watch ended with %v, want ErrSignedOut", err)
		}
		slowest = max(slowest, time.Since(tapped))
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
}

// serveBench starts a demo server without budgets, at which a phone has an account.
func serveBench(b *testing.B) (*load.Server, *load.Phone) {
	b.Helper()
	s, err := load.Launch{Binary: binary("qrauthd"), Data: b.TempDir(), Args: []string{"--limits", "off"}}.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Stop() })
	p, err := load.NewPhone(s)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Close() })
	if err := p.Join("Ada"); err != nil {
		b.Fatal(err)
	}
	return s, p
}

// signInBench signs a desktop in.
func signInBench(b *testing.B, client *desktop.Client, phone *load.Phone) *desktop.Session {
	b.Helper()
	login, err := client.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if err := phone.Approve(login.Current().Link()); err != nil {
		b.Fatal(err)
	}
	session, err := login.Wait(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return session
}

// overhear is an HTTP client that tells when the server's first word to a session's
// socket has come.
func overhear(b *testing.B, attached chan<- struct{}) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	b.Cleanup(transport.CloseIdleConnections)
	var dialer net.Dialer
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		return overheard{conn, attached}, err
	}
	return &http.Client{Transport: transport}
}

type overheard struct {
	net.Conn
	attached chan<- struct{}
}

func (c overheard) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if bytes.Contains(p[:n], []byte(`"signed_in"`)) {
		select {
		case c.attached <- struct{}{}:
		default: // it is known
		}
	}
	return n, err
}
