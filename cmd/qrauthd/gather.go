package main

import (
	"io"
	"sync"
	"time"
)

const (
	// gatherFor is how long something may be held back.
	gatherFor = 100 * time.Millisecond
	// gatherMost is how much may be, in bytes: then whoever writes more waits.
	gatherMost = 32 << 10
)

// gatherer writes to another writer, and often what comes soon after one another in
// one piece: a system call for each line would cost a busy server more than the line,
// and whoever reads them at the other end of a pipe as well. What comes after a
// silence goes out at once. It is safe for concurrent use.
type gatherer struct {
	to io.Writer

	writing sync.Mutex // above mu; held while to is written, so that pieces keep their order
	spare   []byte     // guarded by writing; the piece that was written last, for its memory

	mu   sync.Mutex
	held []byte // guarded by mu
	busy bool   // guarded by mu; tick is to come
}

// Write holds p back or writes it, with all that was held back. The error may be that
// of an earlier piece.
func (g *gatherer) Write(p []byte) (int, error) {
	if g.hold(p) {
		return len(p), g.flush()
	}
	return len(p), nil
}

// hold adds to what is held back, and reports whether it is to go out now.
func (g *gatherer) hold(p []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = append(g.held, p...)
	if !g.busy {
		g.busy = true
		time.AfterFunc(gatherFor, g.tick)
		return true
	}
	return len(g.held) >= gatherMost
}

// tick writes what came since the last one, and comes again unless it was nothing.
func (g *gatherer) tick() {
	g.mu.Lock()
	g.busy = len(g.held) > 0
	if g.busy {
		time.AfterFunc(gatherFor, g.tick)
	}
	g.mu.Unlock()
	_ = g.flush() // a log that cannot be written is no reason to end
}

// flush writes what is held back.
func (g *gatherer) flush() error {
	g.writing.Lock()
	defer g.writing.Unlock()
	piece := g.take()
	if len(piece) == 0 {
		return nil
	}
	_, err := g.to.Write(piece)
	return err
}

// take is what is held back, which is nothing from now on. It needs writing.
func (g *gatherer) take() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	piece := g.held
	g.held, g.spare = g.spare[:0], piece
	return piece
}
