package endurance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// power is what a server runs on: it can be cut, and come back. Only one goroutine
// cuts it.
type power struct {
	launch load.Launch
	log    *journal
	server *load.Server // the present or the last one

	// phase is even while a server is ready and nobody has begun to cut it, and odd
	// otherwise. It only grows.
	phase atomic.Int64
	slow  time.Duration // how long the last start took
}

// newPower is for a server on a port of its own, which is the same after each start.
func newPower(data string, args ...string) (*power, error) {
	port, err := quietPort()
	if err != nil {
		return nil, err
	}
	p := &power{log: new(journal)}
	p.phase.Store(1)
	p.launch = load.Launch{
		Binary: built, Log: p.log, Data: data, Args: args,
		Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
	}
	return p, nil
}

// quietPort is a free port below those that the system gives to connections: while
// the server is off, none of them must take its port.
func quietPort() (int, error) {
	const low, high, tries = 15_000, 32_000, 100
	for range tries {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no port is free between %d and %d", low, high)
}

// on starts the server, and waits until it is ready.
func (p *power) on(ctx context.Context) error {
	began := time.Now()
	s, err := p.launch.Start(ctx)
	if err != nil {
		return err
	}
	p.server, p.slow = s, time.Since(began)
	p.phase.Add(1)
	return nil
}

// off cuts the power. When it returns no process is left.
func (p *power) off() error {
	p.phase.Add(1)
	return p.server.Kill()
}

// offDuringStart cuts the power so long after a start has begun, or as soon as it was
// ready before.
func (p *power) offDuringStart(after time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	s, err := p.launch.Start(ctx)
	switch {
	case err == nil:
		return s.Kill()
	case ctx.Err() != nil:
		return nil
	}
	return err
}

// offDuringStop asks the server to stop, and cuts the power so long after, if it was
// not quicker.
func (p *power) offDuringStop(after time.Duration) error {
	p.phase.Add(1)
	if err := syscall.Kill(p.server.PID(), syscall.SIGTERM); err != nil {
		return err
	}
	moment := time.NewTimer(after)
	defer moment.Stop()
	select {
	case <-p.server.Ended():
		return nil
	case <-moment.C:
	}
	if err := p.server.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// died reports whether the server has ended without anybody's doing.
func (p *power) died() bool {
	select {
	case <-p.server.Ended():
		return p.phase.Load()%2 == 0
	default:
		return false
	}
}

// unbroken reports whether there was a server without a cut from that phase to now: a
// connection of then has no reason to break.
func (p *power) unbroken(since int64) bool { return since%2 == 0 && p.phase.Load() == since }
