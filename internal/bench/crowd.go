package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/qrauthd/qrauthd/internal/load"
)

// crowd is many desktops that wait, in a process of their own: their collector of
// garbage should not run where latencies are measured.
type crowd struct{ *helper }

// startCrowd starts one that has nobody in it yet.
func startCrowd(ctx context.Context, issuer string) (crowd, error) {
	h, err := startHelper(ctx, roleCrowd, issuer)
	return crowd{h}, err
}

// gather has n more come.
func (c crowd) gather(n int) error {
	_, err := c.ask("gather " + strconv.Itoa(n))
	return err
}

// frames is how many snapshots they have all had so far. An error when one of them is
// gone.
func (c crowd) frames() (int, error) {
	answer, err := c.ask("frames 0")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(answer)
}

// beCrowd gathers as it is told, at the issuer that it is given.
func beCrowd(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	if _, err := load.AllowFiles(); err != nil {
		return err
	}
	at, err := load.At(strings.Join(args, ""))
	if err != nil {
		return err
	}
	var all load.Crowd
	defer func() { err = errors.Join(err, all.Close()) }()
	return serveLines(in, out, func(line string) (string, error) {
		var what string
		var n int
		if _, err := fmt.Sscan(line, &what, &n); err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
		if what == "gather" {
			more, err := load.Gather(ctx, at, n)
			all = append(all, more...)
			return strconv.Itoa(len(all)), first(err)
		}
		n, err := framesOf(all)
		return strconv.Itoa(n), err
	})
}

func framesOf(all load.Crowd) (sum int, err error) {
	for _, w := range all {
		select {
		case <-w.Ended():
			return 0, fmt.Errorf("a desktop that waited is gone: %w", w.Why())
		default:
		}
		_, n := w.Newest()
		sum += n
	}
	return sum, nil
}
