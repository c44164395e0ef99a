package desktop

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	callbackPath  = "/callback"
	maxVisitors   = 16       // connections at a time
	maxVisitBytes = 16 << 10 // of a request's head
	visitTime     = 5 * time.Second
	pageTime      = time.Minute // from a request to its page: the code is exchanged meanwhile
	shutTime      = time.Second // for the last page to reach the browser
)

// door is where the browser brings the answer: a port of this computer that nobody
// else's computer reaches (RFC 8252 section 7.3). Everybody on this one does, and
// each page in the browser, so it believes nobody who doesn't know the state.
type door struct {
	redirect string // the redirect URI
	want     expected
	appName  string
	arrivals chan callback // one, ever: the first that is ours
	first    sync.Once     // for arrivals: a reload brings the same again
	over     chan struct{} // closed when it is known how the sign-in ended
	ending   ending        // set before over is closed

	host   string
	server *http.Server
	served chan struct{}
}

// openDoor listens and serves. The caller shuts it.
func openDoor(ctx context.Context, c *Client, meta wire.Metadata) (*door, error) {
	listener, err := c.listen(ctx)
	if err != nil {
		return nil, err
	}
	host := listener.Addr().String()
	d := &door{
		redirect: "http://" + host + callbackPath,
		want:     expected{state: secret.Must(), issuer: c.issuer.String(), named: meta.ResponseIssParameter},
		appName:  c.appName,
		arrivals: make(chan callback, 1),
		over:     make(chan struct{}),
		host:     host,
		served:   make(chan struct{}),
	}
	d.server = &http.Server{
		Handler:           d,
		ReadHeaderTimeout: visitTime,
		ReadTimeout:       visitTime,
		WriteTimeout:      pageTime,
		IdleTimeout:       visitTime,
		MaxHeaderBytes:    maxVisitBytes,
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
	}
	d.server.SetKeepAlivesEnabled(false)
	go func() {
		defer close(d.served)
		_ = d.server.Serve(narrow(listener)) // it ends by shut
	}()
	return d, nil
}

// listenHere opens a port that the system chooses: IPv4's, or IPv6's where there is
// none (RFC 8252 section 7.3).
func listenHere(ctx context.Context) (net.Listener, error) {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err == nil {
		return listener, nil
	}
	if six, err := l.Listen(ctx, "tcp6", "[::1]:0"); err == nil {
		return six, nil
	}
	return nil, err
}

// shut tells the browsers that wait how it ended, and closes the port.
func (d *door) shut(ctx context.Context, how ending) {
	d.ending = how
	close(d.over)
	ctx, stop := context.WithTimeout(ctx, shutTime)
	defer stop()
	if d.server.Shutdown(ctx) != nil {
		d.server.Close()
	}
	<-d.served
}

// ServeHTTP answers with a page that says how the sign-in ended, once that is
// known. Nothing of a request is repeated in an answer.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != d.host || r.URL.Path != callbackPath: // another Host: a page that had its name pointed here
		d.page(w, http.StatusNotFound, endedBadly)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		d.page(w, http.StatusMethodNotAllowed, endedBadly)
		return
	}
	c, err := d.want.parse(r.URL.RawQuery)
	if err != nil {
		d.page(w, http.StatusBadRequest, endedBadly)
		return
	}
	d.first.Do(func() { d.arrivals <- c }) // there is room for one
	select {
	case <-d.over:
		d.page(w, http.StatusOK, d.ending)
	case <-r.Context().Done():
	}
}

// narrow bounds how many connections are open at a time.
func narrow(l net.Listener) net.Listener {
	return &narrowed{Listener: l, places: make(chan struct{}, maxVisitors), closed: make(chan struct{})}
}

type narrowed struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once // for closed
}

// Accept waits for a place, and then for a visitor.
func (n *narrowed) Accept() (net.Conn, error) {
	select {
	case n.places <- struct{}{}:
	case <-n.closed:
		return nil, net.ErrClosed
	}
	conn, err := n.Listener.Accept()
	if err != nil {
		<-n.places
		return nil, err
	}
	return &visitor{Conn: conn, leave: func() { <-n.places }}, nil
}

func (n *narrowed) Close() error {
	n.once.Do(func() { close(n.closed) })
	return n.Listener.Close()
}

type visitor struct {
	net.Conn
	once  sync.Once // for leave
	leave func()
}

func (v *visitor) Close() error {
	v.once.Do(v.leave)
	return v.Conn.Close()
}
