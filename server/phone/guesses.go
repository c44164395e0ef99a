package phone

import (
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// guessBudget bounds the guessing of user codes (RFC 8628 section 5.1): per
// address, per browser, and overall. A code that exists costs nothing.
type guessBudget struct {
	address          *ratelimit.Addresses
	browser, overall *ratelimit.Limiter
}

// guess runs try, which fails with a wrong code, within the budget. Nothing is
// tried once it is spent, so that an answer tells nothing about the code.
func (g guessBudget) guess(r *http.Request, b browser, wrong func(error) bool, try func() error) error {
	now, from, who := time.Now(), peer.Address(r), string(b.id())
	if wait := g.address.Take(now, from); wait > 0 {
		return errBudget{wait}
	}
	if wait := g.browser.Take(now, who); wait > 0 {
		g.address.Return(from)
		return errBudget{wait}
	}
	if wait := g.overall.Take(now, ""); wait > 0 {
		g.address.Return(from)
		g.browser.Return(who)
		return errBudget{wait}
	}
	err := try()
	if !wrong(err) {
		g.address.Return(from)
		g.browser.Return(who)
		g.overall.Return("")
	}
	return err
}
