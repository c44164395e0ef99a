package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// site is a server that runs, and people with accounts at it.
type site struct {
	server *load.Server
	phones []*load.Phone
}

// open starts a server on the folder of that name, with so many accounts.
func (b *bench) open(ctx context.Context, name string, phones int) (*site, error) {
	server, err := b.launch(name).Start(ctx)
	if err != nil {
		return nil, err
	}
	s := &site{server: server}
	for i := range phones {
		p, err := load.NewPhone(server)
		if err == nil {
			s.phones = append(s.phones, p)
			err = p.Join(fmt.Sprintf("Person %d", i+1))
		}
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// reopen starts the server of a site that was closed, at the address that it had. The
// accounts are in its folder, and the phones have their keys yet.
func (b *bench) reopen(ctx context.Context, s *site, name string, args ...string) (err error) {
	again := b.launch(name, args...)
	again.Listen = s.server.Address
	s.server, err = again.Start(ctx)
	return err
}

// close stops the server, and has the phones hang up.
func (s *site) close() error {
	var faults []error
	for _, p := range s.phones {
		faults = append(faults, p.Close())
	}
	return errors.Join(append(faults, s.server.Stop())...)
}

// starters is how many connections begin grants that others need.
const starters = 16

// begun starts n grants.
func (s *site) begun(ctx context.Context, n int) ([]wire.DeviceAuthorization, error) {
	list := make([]wire.DeviceAuthorization, n)
	return list, share(ctx, n, starters, func(_ int, mine iter.Seq[int]) error {
		conn, err := load.Dial(s.server.Address)
		if err != nil {
			return err
		}
		defer conn.Close()
		for i := range mine {
			if list[i], err = conn.Start(s.server.Host, "BENCH-PC"); err != nil {
				return err
			}
		}
		return nil
	})
}

// approved starts n grants and has all phones approve them.
func (s *site) approved(ctx context.Context, n int) ([]wire.DeviceAuthorization, error) {
	list, err := s.begun(ctx, n)
	if err != nil {
		return nil, err
	}
	return list, share(ctx, n, len(s.phones), func(worker int, mine iter.Seq[int]) error {
		for i := range mine {
			if err := s.phones[worker].Approve(list[i].VerificationURIComplete); err != nil {
				return err
			}
		}
		return nil
	})
}

// signedIn has n desktops signed in.
func (s *site) signedIn(ctx context.Context, n int) ([]wire.Token, error) {
	grants, err := s.approved(ctx, n)
	if err != nil {
		return nil, err
	}
	list := make([]wire.Token, n)
	return list, share(ctx, n, starters, func(_ int, mine iter.Seq[int]) error {
		conn, err := load.Dial(s.server.Address)
		if err != nil {
			return err
		}
		defer conn.Close()
		for i := range mine {
			if list[i], err = conn.Redeem(s.server.Host, grants[i].DeviceCode); err != nil {
				return err
			}
		}
		return nil
	})
}

// share has workers do the work from 0 to n-1: each takes the next that nobody has
// taken. The first error ends it, and so does ctx.
func share(ctx context.Context, n, workers int, work func(worker int, mine iter.Seq[int]) error) error {
	var taken atomic.Int64
	mine := func(yield func(int) bool) {
		for i := taken.Add(1) - 1; i < int64(n) && ctx.Err() == nil; i = taken.Add(1) - 1 {
			if !yield(int(i)) {
				return
			}
		}
	}
	faults := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			if faults[w] = work(w, mine); faults[w] != nil {
				taken.Store(int64(n))
			}
		})
	}
	all.Wait()
	return first(errors.Join(append(faults, context.Cause(ctx))...))
}
