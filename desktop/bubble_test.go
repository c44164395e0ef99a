package desktop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

// bubble runs a test in fake time, with a login under way.
func bubble(t *testing.T, f *fake, test func(t *testing.T, n *network, l *desktop.Login)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := f.plug(t)
		l := start(t, f.client(t, n.transport(t)))
		synctest.Wait()
		test(t, n, l)
	})
}

// pass lets a bubble's time pass, which takes none outside of it. A handler that
// is slow calls it.
func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// synctestUntil lets a bubble's time pass, and what is due then happen.
func synctestUntil(t *testing.T, d time.Duration) {
	t.Helper()
	pass(d)
	synctest.Wait()
}

// since is each time as measured from the beginning.
func since(began time.Time, times []time.Time) (ds []time.Duration) {
	for _, at := range times {
		ds = append(ds, at.Sub(began))
	}
	return ds
}
