package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// duty is one kind of request whose rate is measured.
type duty struct {
	name string
	goal float64 // the least ratio to the yardstick; 0: none is set
	// prepare makes what the requests need, outside of the time that is measured.
	prepare func(*bench, context.Context, *site) (work, error)
}

// work is a duty that can be done at once.
type work struct {
	plan   load.Plan
	client func(i int) (load.Client, error)
}

// duties are all of them, in the order of the table.
func duties() []duty {
	return []duty{
		{"starts", 0.25, (*bench).starts},
		{"polls", 0.5, (*bench).polls},
		{"redeems", 0.1, (*bench).redeems},
		{"refreshes", 0, (*bench).refreshes},
		{"dpop-refreshes", 0, (*bench).dpopRefreshes},
		{"approvals", 0, (*bench).approvals},
		{"finishes", 0, (*bench).finishes},
	}
}

// tally is what a duty, done once, came to.
type tally struct {
	result load.Result
	cpu    time.Duration // of the server, an operation
	own    time.Duration // of this process, an operation
}

// first is one of the errors that were joined: all clients fail for the same reason.
func first(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return err
}

var errIdle = errors.New("nothing was asked")

// done has the work done by the server whose process that is.
func (w work) done(ctx context.Context, pid int) (t tally, err error) {
	before, err := usages(pid)
	if err != nil {
		return t, err
	}
	if t.result, err = load.Drive(ctx, w.plan, w.client); err != nil {
		return t, first(err)
	}
	after, err := usages(pid)
	if err != nil {
		return t, err
	}
	n := time.Duration(t.result.Count())
	if n == 0 {
		return t, errIdle
	}
	t.cpu, t.own = (after[0].CPU-before[0].CPU)/n, (after[1].CPU-before[1].CPU)/n
	return t, nil
}

// usages are the server's and this process's.
func usages(pid int) (u [2]load.Usage, err error) {
	for i, pid := range []int{pid, os.Getpid()} {
		if u[i], err = load.UsageOf(pid); err != nil {
			return u, err
		}
	}
	return u, nil
}

// asker is a client that sends requests which were rendered before.
type asker struct {
	*load.Conn
	requests []load.Request
	next     int
	repeats  bool // from the first after the last
	status   int  // that every answer must have
	says     []byte
}

// Step implements load.Client.
func (a *asker) Step() error {
	if a.next == len(a.requests) {
		if !a.repeats {
			return load.ErrDone
		}
		a.next = 0
	}
	answer, err := a.Do(a.requests[a.next])
	if err != nil {
		return err
	}
	a.next++
	return check(answer, a.status, a.says)
}

// check wants an answer with that status, and that text in it.
func check(a load.Answer, status int, says []byte) error {
	if a.Status == status && bytes.Contains(a.Body, says) {
		return nil
	}
	return fmt.Errorf("got the answer %d %s, want %d", a.Status, http.StatusText(a.Status), status)
}

// clients makes n clients of it, each with a share of the requests.
func (a asker) clients(address string, n int) func(i int) (load.Client, error) {
	all := a.requests
	return func(i int) (load.Client, error) {
		conn, err := load.Dial(address)
		if err != nil {
			return nil, err
		}
		a := a
		a.Conn, a.requests = conn, nil
		for ; i < len(all); i += n {
			a.requests = append(a.requests, all[i])
		}
		return &a, nil
	}
}
