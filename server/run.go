package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// How long a connection may take. A phone's long poll lasts 20 s, and a read
// deadline that passes meanwhile would end it: both bounds are above that. A
// hijacked socket has none of them; the push channel minds its own.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 40 * time.Second
	writeTimeout      = 45 * time.Second
	idleTimeout       = 2 * time.Minute
	// maxHeader is the most that a request line and its headers may have together.
	// net/http reads headerSlop more over HTTP/1 than it is told to (Server's
	// initialReadLimitSize); over HTTP/2 it ends so much earlier.
	maxHeader  = 16 << 10
	headerSlop = 4 << 10
)

// http2 bounds what one connection of HTTP/2 may ask for at a time, and what of its
// bodies waits in memory. Streams that are reset at once count among the first
// (CVE-2023-44487; net/http since Go 1.21.3).
func http2() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams:          100,
		MaxReceiveBufferPerStream:     maxBody,
		MaxReceiveBufferPerConnection: 4 * maxBody,
		WriteByteTimeout:              10 * time.Second,
	}
}

// stopGrace is how long a stopping server waits for what is under way.
const stopGrace = 10 * time.Second

// Run serves until ctx ends or a listener fails, and then stops in order: no new
// connections, desktops told to come back, requests and notices in flight to their
// end, pruning, the database last. Ready, if not nil, is called once, with the issuer,
// when requests are answered. Run is called once.
func (s *Server) Run(ctx context.Context, ready func(issuer string)) error {
	inside, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	telling, endTelling := context.WithCancel(inside)
	defer endTelling()
	var work sync.WaitGroup
	s.tend(inside, &work)
	s.tell(telling, &work)
	web, metrics := s.webServer(), s.metricsServer()
	failed := s.serve(&work, web, metrics)
	s.announce()
	if ready != nil {
		ready(s.Issuer())
	}

	cause := ended(ctx, failed)
	s.log.Info("stopping")
	endTelling() // a notice may take as long to end as the requests; what is left of them waits in the outbox
	s.stop(web)
	_ = metrics.Close()
	end()
	work.Wait()
	if err := s.Close(); err != nil {
		cause = errors.Join(cause, fmt.Errorf("close the database: %w", err))
	}
	s.log.Info("stopped")
	return cause
}

// tend has the work done that nobody asks for, until ctx ends.
func (s *Server) tend(ctx context.Context, work *sync.WaitGroup) {
	work.Go(func() { s.login.Heed(ctx) })
	work.Go(func() { tendKeys(ctx, s.keys, s.log) })
	work.Go(func() { s.pruner().run(ctx) })
	work.Go(func() { s.health.watch(ctx) })
	work.Go(func() { s.atlas.Follow(ctx, s.log) })
}

// tell has the webhook told of events, if there is one, until ctx ends.
func (s *Server) tell(ctx context.Context, work *sync.WaitGroup) {
	if s.webhook != nil {
		work.Go(func() { s.webhook.Run(ctx) })
	}
}

// serve begins to answer on the listeners that there are. The channel has why each
// of them ended.
func (s *Server) serve(work *sync.WaitGroup, web, metrics *http.Server) <-chan error {
	failed := make(chan error, 2) // one a listener
	begin := func(h *http.Server, l net.Listener) {
		if l != nil {
			work.Go(func() { failed <- serveOn(h, l) })
		}
	}
	if s.listener != nil {
		begin(web, s.connections)
	}
	begin(metrics, s.metricsListener)
	return failed
}

// ended waits until it is time to stop. It returns why, where nobody wanted it.
func ended(ctx context.Context, failed <-chan error) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

func serveOn(h *http.Server, l net.Listener) (err error) {
	if h.TLSConfig != nil {
		err = h.ServeTLS(l, "", "")
	} else {
		err = h.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", l.Addr(), err)
}

// stop ends the service, within stopGrace. Shutdown closes the listener at once
// and waits for requests in flight; it knows nothing of hijacked sockets, which
// the oauth face tells to come back meanwhile.
func (s *Server) stop(web *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	s.phone.Drain()
	var sockets sync.WaitGroup
	sockets.Go(func() {
		if err := s.oauth.Drain(ctx); err != nil {
			s.log.Warn("cut off desktops that did not go in time", "err", err)
		}
	})
	if err := web.Shutdown(ctx); err != nil {
		s.log.Warn("cut off requests that did not end in time", "err", err)
		_ = web.Close()
	}
	sockets.Wait()
}

func (s *Server) webServer() *http.Server {
	h := &http.Server{
		Handler:           s.root,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader - headerSlop,
		ConnState:         s.connections.turn,
		ConnContext:       s.connections.with,
		HTTP2:             http2(),
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // handshakes of scanners
	}
	if s.certificate != nil {
		h.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: s.certificate.get}
	}
	return h
}

func (s *Server) metricsServer() *http.Server {
	return &http.Server{
		Handler:           metricsHandler(s.options.Gatherer),
		ReadHeaderTimeout: readHeaderTimeout,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// announce logs where the server is, and all that an operator should think twice about.
func (s *Server) announce() {
	for _, warning := range s.warnings() {
		s.log.Warn(warning)
	}
	s.log.Info("serving", "issuer", s.Issuer(), "listen", s.addr(), "data", s.config.DataDir,
		"tls", s.certificate != nil, "registration", string(s.config.Registration))
}

func (s *Server) addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

func (s *Server) warnings() (list []string) {
	c := s.config
	if c.Demo {
		list = append(list, "THIS IS A DEMO, not for real accounts")
	}
	if c.Registration == RegistrationOpen {
		list = append(list, "registration is open: anybody who can reach this server can make an account")
	}
	if c.Limits.Off {
		list = append(list, "limits are off: nothing slows down who guesses codes or floods this server; for load tests only")
	}
	if s.listener != nil && s.behindUnnamedProxy() {
		list = append(list, "the issuer is https, but there is neither a TLS certificate nor a trusted proxy: "+
			"if a proxy is in front, name it in trusted_proxies; until then everybody shares the budgets of its address, no page can tell where a computer is, "+
			"and every sign-in is a medium risk at least, which takes a number unless the policy says otherwise")
		if c.namesNetworks() {
			list = append(list, "a policy names networks to start from, and what they are compared with may be a proxy's address: name the proxy in trusted_proxies")
		}
	}
	return list
}
