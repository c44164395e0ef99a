package oauth_test

import (
	"io"
	"net/http"
	"sync"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/mobileweb"
	"github.com/qrauthd/qrauthd/server/oauth"
)

// fakePages remembers what a person would have been shown.
type fakePages struct {
	mu      sync.Mutex
	asked   []auth.GrantID        // guarded by mu
	refused []mobileweb.LinkFault // guarded by mu
	failed  []error               // guarded by mu
}

var _ oauth.Pages = (*fakePages)(nil)

func (p *fakePages) Ask(w http.ResponseWriter, _ *http.Request, id auth.GrantID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, id)
	_, _ = io.WriteString(w, "the question")
}

func (p *fakePages) RefuseAuthorization(w http.ResponseWriter, _ *http.Request, fault mobileweb.LinkFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = append(p.refused, fault)
	w.WriteHeader(http.StatusBadRequest)
}

func (p *fakePages) Fail(w http.ResponseWriter, _ *http.Request, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = append(p.failed, err)
	w.WriteHeader(http.StatusServiceUnavailable)
}

// last is what was remembered last, and how often in all.
func last[T any](p *fakePages, of func(*fakePages) []T) (value T, times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := of(p)
	if len(list) > 0 {
		value = list[len(list)-1]
	}
	return value, len(list)
}

func asked(p *fakePages) []auth.GrantID          { return p.asked }
func refused(p *fakePages) []mobileweb.LinkFault { return p.refused }
func failed(p *fakePages) []error                { return p.failed }
