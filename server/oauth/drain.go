package oauth

import (
	"context"
	"sync"
	"time"
)

const (
	// comeBackRate is how many desktops a second a restarting server asks to have back.
	comeBackRate = 500
	// drainers is how many sockets are told at the same time. One that does not read
	// holds up its drainer.
	drainers = 256
)

// comeBack is when the i-th desktop is to come back: one after the other, so that
// they do not all knock at once.
func comeBack(i int) time.Duration {
	return time.Second + time.Duration(i)*time.Second/comeBackRate
}

// Drain tells every desktop to come back, spread over a time that grows with
// their number, and waits until their sockets are closed or ctx ends. No socket
// is let in afterwards.
func (f *Face) Drain(ctx context.Context) error {
	open := f.sockets.shut()
	told := make(chan struct{})
	go func() {
		defer close(told)
		recall(ctx, open)
	}()
	select {
	case <-f.sockets.left(): // having been told
	case <-ctx.Done():
		for _, s := range open {
			_ = s.conn.Close() // which a drainer that is stuck notices too
		}
	}
	<-told
	return ctx.Err()
}

// recall tells the sockets when to come back, until ctx ends.
func recall(ctx context.Context, open []*socket) {
	var tellers sync.WaitGroup
	for n := range drainers {
		tellers.Go(func() {
			for i := n; i < len(open) && ctx.Err() == nil; i += drainers {
				open[i].close(restart(comeBack(i)))
			}
		})
	}
	tellers.Wait()
}
