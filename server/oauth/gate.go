package oauth

import (
	"io"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// turnedAway is the body of all refusals, ready to be written: to refuse has to cost
// next to nothing, or a flood is not worth refusing.
const turnedAway = `{"error":"` + wire.CodeUnavailable + `","error_description":"more requests came than can be answered; wait as Retry-After says"}` + "\n"

// gated has the requests of machines come in by the gate.
func gated(g *gate.Gate, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visit, err := g.Admit(w, r)
		if err != nil {
			retryAfter(w, gate.After(err))
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, turnedAway)
			return
		}
		defer visit.End()
		next.ServeHTTP(visit, r)
	})
}

// budgeted answers who has had all starts of their address before they take a place from
// others: it costs less than the place would.
func (f *Face) budgeted(next http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := f.Budgets.MayStart(time.Now(), peer.Address(r)); err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	}
}

// gatedPage does so with the requests of browsers, who are answered by a page.
func (f *Face) gatedPage(g *gate.Gate, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visit, err := g.Admit(w, r)
		if err != nil {
			f.Pages.Fail(w, r, err)
			return
		}
		defer visit.End()
		next.ServeHTTP(visit, r)
	})
}
