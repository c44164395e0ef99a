package endurance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// person decides about sign-ins, one after the other, with a phone that has a passkey.
// Now and then they make a new account, on a new phone.
type person struct {
	town    *town
	chance  *rand.Rand
	first   string // of the names of the accounts
	errands chan func(*person)

	accounts []*account
	stranger *load.Phone // has no account, and opens codes before the person does
	phase    int64       // of the power when the connections of the phones were fresh
	decided  int         // with the newest account
}

// account is one of a person, with the phone that its passkey is on.
type account struct {
	name  string
	owner *person
	phone *load.Phone
}

const (
	// newAccountAfter is how many sign-ins somebody decides with one account, and
	// maxAccounts how many accounts they make.
	newAccountAfter = 20
	maxAccounts     = 30
)

// live does what the desktops ask for, until nobody asks any more.
func (p *person) live() {
	p.stranger = p.newPhone()
	p.move()
	for errand := range p.errands {
		errand(p)
		if p.decided >= newAccountAfter && len(p.accounts) < maxAccounts {
			p.move()
		}
	}
}

func (p *person) newPhone() *load.Phone {
	phone, err := load.NewPhone(p.town.server)
	if err != nil {
		p.town.fault("make a phone: %v", err)
	}
	return phone
}

// newest is the account that is used for sign-ins.
func (p *person) newest() *account { return p.accounts[len(p.accounts)-1] }

// move makes an account. Whether one was made whose last answer was lost is never known:
// the person begins again, under another name.
func (p *person) move() {
	for {
		a := &account{name: fmt.Sprintf("%s, account %d", p.first, p.town.names.Add(1)), owner: p, phone: p.newPhone()}
		p.town.ledger.account(a.name, asked)
		err := p.once(func() error { return a.phone.Join(a.name) })
		if err == nil {
			p.town.ledger.account(a.name, told)
			p.accounts, p.decided = append(p.accounts, a), 0
			return
		}
		if !unanswered(err) {
			p.town.fault("make an account: %v", err)
		}
		pause(retryPause)
	}
}

// once asks the server. The error is errUnsent or errLost when there is no answer, and
// else what the answer says.
func (p *person) once(ask func() error) error {
	p.freshen()
	p.town.inFlight.Add(1)
	err := ask()
	p.town.inFlight.Add(-1)
	var refusal *load.Refusal
	var dial *net.OpError
	switch {
	case errors.As(err, &refusal) && refusal.Status == http.StatusInternalServerError:
		p.town.fault("the phone: %v", err)
		return err
	case err == nil, errors.As(err, &refusal), errors.Is(err, load.ErrSignInFirst):
		return err
	case p.town.power.unbroken(p.phase):
		p.town.fault("a phone's connection broke while nobody had cut the power: %v", err)
	case errors.As(err, &dial) && dial.Op == "dial":
		return errUnsent
	}
	p.town.ledger.count(answersLost)
	return errLost
}

// freshen ends the connections of before a cut, which are broken: that is found out by
// using them only.
func (p *person) freshen() {
	phase := p.town.power.phase.Load()
	if phase == p.phase {
		return
	}
	for _, a := range p.accounts {
		_ = a.phone.Close()
	}
	_ = p.stranger.Close()
	p.phase = phase
}

// insist asks until there is an answer: what is asked changes nothing, or nothing more
// when it is asked again.
func (p *person) insist(ask func() error) error {
	for {
		err := p.once(ask)
		if err == nil || !unanswered(err) {
			return err
		}
		pause(retryPause)
	}
}

// matter is a sign-in that a person is asked about.
type matter struct {
	s       *signIn
	link    func() string
	decided chan struct{} // closed when the person has done what they wanted
	number  chan string   // what the desktop is to be told; a slot of one
	who     *account      // set before decided is closed
}

// decide does what the sign-in's wish is.
func (p *person) decide(m *matter) {
	defer close(m.decided)
	p.decided++
	m.who = p.newest()
	phone := m.who.phone
	if m.s.wish == leave {
		return
	}
	if m.s.wish == number {
		_ = p.insist(func() error {
			_, err := p.stranger.Scan(m.link())
			return err
		})
	}
	var o load.Opening
	err := p.insist(func() (err error) {
		o, err = phone.Scan(m.link())
		return err
	})
	switch {
	case err != nil && m.s.sort != late:
		p.town.fault("%s: open the link: %v", m.s.name, err)
		return
	case err != nil:
		return
	case m.s.wish == deny:
		p.deny(m, o)
	default:
		p.approve(m, o)
	}
}

func (p *person) deny(m *matter, o load.Opening) {
	phone := m.who.phone
	p.town.ledger.ask(m.s, denied)
	// It leads to the page that says how the sign-in was decided, and nobody else decides.
	if err := p.insist(func() error { return phone.Deny(o) }); err != nil {
		p.town.fault("%s: deny: %v", m.s.name, err)
		return
	}
	p.town.ledger.tell(m.s, denied)
}

// approve proves the passkey until the server has told what became of it.
func (p *person) approve(m *matter, o load.Opening) {
	l, phone := p.town.ledger, m.who.phone
	for {
		var assertion []byte
		err := p.insist(func() (err error) {
			assertion, err = phone.Touch(o)
			return err
		})
		if err == nil {
			l.ask(m.s, proved)
			if m.s.wish != number {
				l.ask(m.s, approved)
			}
			err = p.once(func() error { return phone.Finish(o, assertion) })
		}
		if err == nil {
			l.tell(m.s, proved)
			if m.s.wish != number {
				l.tell(m.s, approved)
				return
			}
		}
		if p.over(m, o, err) {
			return
		}
		pause(retryPause)
	}
}

// over looks how the sign-in stands, and takes note of it. It reports whether the
// person has nothing left to do.
func (p *person) over(m *matter, o load.Opening, why error) bool {
	l, phone := p.town.ledger, m.who.phone
	var state wire.State
	if err := p.insist(func() (err error) {
		state, err = phone.Status(o)
		return err
	}); err != nil {
		p.town.fault("%s: look at the status: %v", m.s.name, err)
		return true
	}
	switch state {
	case wire.StateApproved, wire.StateRedeemed:
		if errors.Is(why, errLost) {
			l.count(learntLater)
		}
		l.tell(m.s, proved)
		l.tell(m.s, approved)
		return true
	case wire.StateVerifying:
		l.tell(m.s, proved)
		p.passOn(m, o)
		return true
	case wire.StatePending, wire.StateScanned, wire.StateConfirming:
		if l.fate(m.s, proved) == told {
			p.town.fault("%s: approved, and then it is %s", m.s.name, state)
		}
		return false
	case wire.StateExpired:
		if m.s.sort == late {
			return true
		}
	}
	p.town.fault("%s: wanted to approve it, and it is %s (%v)", m.s.name, state, why)
	return true
}

// passOn reads the number to the desktop.
func (p *person) passOn(m *matter, o load.Opening) {
	phone := m.who.phone
	var digits string
	if err := p.insist(func() (err error) {
		digits, err = phone.Number(o)
		return err
	}); err != nil {
		p.town.fault("%s: read the number: %v", m.s.name, err)
	}
	m.number <- digits
}

// signOut ends a session on the phone of the account.
func (p *person) signOut(s *stay) {
	phone, lost := s.who.phone, false
	p.town.ledger.ask(s.of, signedOut)
	for {
		err := p.once(func() error { return phone.SignOutComputer(s.of.session) })
		var refusal *load.Refusal
		switch {
		case errors.Is(err, load.ErrSignInFirst):
			err = p.insist(phone.SignIn)
		case errors.As(err, &refusal) && refusal.Status == http.StatusNotFound && lost:
			err = nil
			fallthrough
		case err == nil:
			p.town.ledger.tell(s.of, signedOut)
			return
		}
		lost = lost || errors.Is(err, errLost)
		if err != nil && !unanswered(err) {
			p.town.fault("%s: sign it out on the phone of %s: %v", s.of.name, s.who.name, err)
			return
		}
		pause(retryPause)
	}
}

// unanswered reports that the server has said nothing, or only to come again.
func unanswered(err error) bool {
	var refusal *load.Refusal
	if errors.As(err, &refusal) {
		return refusal.Status == http.StatusServiceUnavailable || refusal.Status == http.StatusTooManyRequests
	}
	return errors.Is(err, errLost) || errors.Is(err, errUnsent)
}
