package main

import (
	"context"
	"errors"
	"fmt"
)

// spareFiles are those that a process has open beside the connections of a crowd, and
// more. Of the connections that it may have, the server lets 7 in 8 be sockets.
const spareFiles = 500

// roomOf is how many desktops can wait where a process may have so many files open.
func roomOf(files int) int { return (files - spareFiles) * 7 / 8 }

// many has as many desktops wait as the system lets it, with rotation.
func (b *bench) many(ctx context.Context) (err error) {
	n := min(b.Many, roomOf(b.files))
	if n <= 0 {
		return nil
	}
	s, err := b.open(ctx, "many", 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	c, err := b.crowded(ctx, s.server, n/2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	pause(ctx, b.Settle)
	half, err := s.server.Usage()
	if err != nil {
		return err
	}
	if err := c.gather(n - n/2); err != nil {
		return err
	}
	pause(ctx, b.Settle)
	if err := b.memoryEach(s.server, "a waiting desktop of the second half", half, n-n/2); err != nil {
		return err
	}
	before, err := c.frames()
	if err != nil {
		return err
	}
	pause(ctx, b.Rest)
	after, err := c.frames() // fails when one of them is gone
	if err != nil {
		return err
	}
	if after-before < n {
		return fmt.Errorf("only %d of %d codes were rotated in %s", after-before, n, b.Rest)
	}
	b.report.add(sectionMemory, b.manyFigure(n))
	return nil
}

// manyFigure says how many waited, and what kept more from doing so. The goal is judged
// only where the system allows so many.
func (b *bench) manyFigure(n int) Figure {
	f := Figure{Name: "desktops that waited at once, with rotation", Spread: only(float64(n)), Better: higher}
	if n < b.Many {
		f.Note = fmt.Sprintf("the system allows a process %d open files: %d could not be tried", b.files, b.Many)
		return f
	}
	f.Goal = float64(b.Many)
	return f
}
