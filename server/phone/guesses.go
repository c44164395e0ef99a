package phone

import (
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// guessBudget bounds the guessing of user codes (RFC 8628 section 5.1): per
// address, per browser, and overall. A code that exists costs nothing.
type guessBudget struct{ address, browser, overall *ratelimit.Limiter }

// guess runs try, which fails with a wrong code, within the budget. Nothing is
// tried once it is spent, so that an answer tells nothing about the code.
func (g guessBudget) guess(r *http.Request, b browser, wrong func(error) bool, try func() error) error {
	now := time.Now()
	limits := []struct {
		*ratelimit.Limiter
		key string
	}{
		{g.address, addressKey(r)},
		{g.browser, string(b.id())},
		{g.overall, ""},
	}
	for i, l := range limits {
		if wait := l.Take(now, l.key); wait > 0 {
			for _, taken := range limits[:i] {
				taken.Return(taken.key)
			}
			return errBudget{wait}
		}
	}
	err := try()
	if !wrong(err) {
		for _, l := range limits {
			l.Return(l.key)
		}
	}
	return err
}
