package endurance

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// stay is a computer that is signed in, with its newest tokens. One goroutine has it
// at a time.
type stay struct {
	of              *signIn
	who             *account
	wallet          wallet
	access, refresh string
	lostSince       time.Time // when the first refresh was sent that was never answered; zero: none was
}

// stand puts a session on the shelf, for whoever takes it next. Where there is no room
// the computer is signed out.
func (d *desk) stand(s *stay) {
	select {
	case d.town.shelf <- s:
	default:
		d.signOut(s)
	}
}

// signOut ends the session by one of its tokens.
func (d *desk) signOut(s *stay) {
	tok := s.refresh
	if d.chance.IntN(3) == 0 {
		tok = s.access
	}
	d.end(s.of, tok)
	d.bury(s)
}

func (d *desk) bury(s *stay) {
	d.town.ledger.settle(s.of)
	d.town.gone.add(s)
}

// holder uses sessions, as the apps on many desktops would.
type holder struct{ *desk }

// hold takes one session after the other, until the town winds down.
func (h *holder) hold() {
	for {
		select {
		case <-h.town.closing:
			h.line.hangUp()
			return
		case s := <-h.town.shelf:
			h.use(s)
		}
		if s := h.town.gone.any(h.chance); s != nil {
			h.visit(s)
		}
	}
}

// use refreshes the session a few times, and now and then signs it out.
func (h *holder) use(s *stay) {
	for range 1 + h.chance.IntN(4) {
		if !h.alive(s) || !h.renew(s) {
			return
		}
	}
	switch n := h.chance.IntN(100); {
	case n < 12:
		h.signOut(s)
	case n < 22:
		h.signOutByPhone(s)
	default:
		h.stand(s)
	}
}

// signOutByPhone has the person do it who approved, if they are not busy.
func (h *holder) signOutByPhone(s *stay) {
	done := make(chan struct{})
	select {
	case s.who.owner.errands <- func(p *person) { p.signOut(s); close(done) }:
		<-done
		h.bury(s)
	default:
		h.signOut(s)
	}
}

// alive wants the access token to be good.
func (d *desk) alive(s *stay) bool {
	r := d.insistOnUserInfo(s)
	if r.status != http.StatusOK {
		d.town.fault("%s: its access token is answered %d %s", s.of.name, r.status, r.code)
		d.town.ledger.settle(s.of)
		return false
	}
	return true
}

func (d *desk) insistOnUserInfo(s *stay) reply {
	for {
		r, err := d.line.userInfo(&s.wallet, s.access)
		if err == nil && !r.later() {
			return r
		}
		pause(retryPause)
	}
}

// renew takes the next tokens, and asks again as long as there is no answer. It
// reports false when the session is over.
func (d *desk) renew(s *stay) bool {
	l := d.town.ledger
	l.ask(s.of, refreshed)
	for {
		sent := time.Now()
		r, err := d.line.post(&s.wallet, wire.PathToken, form(homeApp, "grant_type", wire.GrantTypeRefresh, "refresh_token", s.refresh))
		switch {
		case errors.Is(err, errLost) && s.lostSince.IsZero():
			s.lostSince = sent
			fallthrough
		case err != nil, r.later():
			pause(retryPause)
		case r.status == http.StatusOK:
			return d.renewed(s, r)
		default:
			d.refused(s, r)
			return false
		}
	}
}

func (d *desk) renewed(s *stay, r reply) bool {
	var t wire.Token
	if err := r.read(&t); err != nil || sessionOf(t.AccessToken) != s.of.session || t.RefreshToken == "" {
		d.town.fault("%s: a refresh brought tokens of another session, or none: %v", s.of.name, err)
		return false
	}
	if s.wallet.bound() && !s.lostSince.IsZero() {
		d.town.ledger.count(repeats)
	}
	s.access, s.refresh, s.lostSince = t.AccessToken, t.RefreshToken, time.Time{}
	d.town.ledger.tell(s.of, refreshed)
	return true
}

// refused is the end of the session by a refresh token that came a second time, for
// the answer to the first was lost. Who has a key may ask again for a while.
func (d *desk) refused(s *stay, r reply) {
	l := d.town.ledger
	now := time.Now()
	switch {
	case r.code != wire.CodeInvalidGrant, s.lostSince.IsZero():
		d.town.fault("%s: its newest refresh token is answered %d %s", s.of.name, r.status, r.code)
		l.settle(s.of)
		return
	case !s.wallet.bound():
		l.count(refreshesLost)
	case now.Before(s.lostSince.Add(grant.RepeatFor)):
		d.town.fault("%s: its key could not repeat the refresh of %v ago", s.of.name, now.Sub(s.lostSince))
	default:
		l.count(repeatsTooLate)
	}
	l.tell(s.of, reused)
	d.bury(s)
}

// visit wants a session that is over to be over.
func (d *desk) visit(s *stay) {
	if r := d.insistOnUserInfo(s); r.status != http.StatusUnauthorized || r.code != wire.CodeInvalidToken {
		d.town.fault("%s: it was signed out, and its access token is answered %d %s", s.of.name, r.status, r.code)
	}
	for {
		r, err := d.line.post(&s.wallet, wire.PathToken, form(homeApp, "grant_type", wire.GrantTypeRefresh, "refresh_token", s.refresh))
		if err != nil || r.later() {
			pause(retryPause)
			continue
		}
		if r.code != wire.CodeInvalidGrant {
			d.town.fault("%s: it was signed out, and its refresh token is answered %d %s", s.of.name, r.status, r.code)
		}
		return
	}
}

// graveyard has the sessions that ended last.
type graveyard struct {
	mu   sync.Mutex
	list []*stay // guarded by mu
	next int     // guarded by mu: where the next one goes when it is full
}

const graveyardSize = 64

func (g *graveyard) add(s *stay) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.list) < graveyardSize {
		g.list = append(g.list, s)
		return
	}
	g.list[g.next] = s
	g.next = (g.next + 1) % graveyardSize
}

// any is one of them, for the caller alone; nil when there is none.
func (g *graveyard) any(chance *rand.Rand) *stay {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.list) == 0 {
		return nil
	}
	s := *g.list[chance.IntN(len(g.list))]
	return &s
}

func (g *graveyard) all() []*stay {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*stay(nil), g.list...)
}
