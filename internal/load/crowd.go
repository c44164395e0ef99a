package load

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Crowd is many desktops that wait, each for a grant of its own.
type Crowd []*Waiting

const (
	// gathering is how many of a crowd come at the same time.
	gathering = 32
	// perAddress is how many desktops come from one loopback address.
	perAddress = 20_000
)

// Gather starts n grants and has a desktop wait for each. What it has gathered when it
// fails is gone.
func Gather(ctx context.Context, s *Server, n int) (Crowd, error) {
	crowd := make(Crowd, n)
	var next atomic.Int64
	faults := make([]error, gathering)
	var work sync.WaitGroup
	for i := range gathering {
		work.Go(func() { faults[i] = crowd.gather(ctx, s, func() int { return int(next.Add(1)) - 1 }) })
	}
	work.Wait()
	if err := errors.Join(faults...); err != nil {
		return nil, errors.Join(err, crowd.Close())
	}
	return crowd, nil
}

func (c Crowd) gather(ctx context.Context, s *Server, next func() int) error {
	conn, err := Dial(s.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := next(); i < len(c); i = next() {
		d, err := conn.Start(s.Host, "IDLE-PC")
		if err != nil {
			return err
		}
		from := net.IPv4(127, 0, 1, byte(1+i/perAddress))
		if c[i], err = Attach(ctx, s, d, from); err != nil {
			return err
		}
	}
	return nil
}

// Close has all of them leave.
func (c Crowd) Close() error {
	var faults []error
	for _, w := range c {
		if w != nil {
			faults = append(faults, w.Close())
		}
	}
	return errors.Join(faults...)
}

// AllowFiles lets this process, and those that it starts, have as many files open as
// the system allows it, and returns how many.
func AllowFiles() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	limit.Cur = limit.Max
	return int(limit.Max), syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}
