package endurance

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// desk is a place with a computer, at which one sign-in follows the other.
type desk struct {
	town   *town
	chance *rand.Rand
	line   line
	other  line // for asking twice at the same time
	wallet wallet
}

// pollPause is between two polls. The server's own interval is for people, who take
// their time.
const pollPause = 15 * time.Millisecond

// work signs in over raw connections, again and again.
func (d *desk) work(sort sort) {
	if sort == bound && !d.makeKey() {
		return
	}
	for d.town.open() {
		if m, grant, ok := d.begin(sort, homeApp); ok {
			d.follow(m, grant.DeviceCode)
		}
	}
	d.line.hangUp()
	d.other.hangUp()
}

func (d *desk) makeKey() bool {
	key, err := dpop.NewKey()
	if err != nil {
		d.town.fault("make a key: %v", err)
	}
	d.wallet.key = key
	return err == nil
}

// wish is what is to become of the next sign-in.
func (d *desk) wish(sort sort) wish {
	n := d.chance.IntN(100)
	switch {
	case sort == late:
		return approve
	case n < 8:
		return deny
	case n < 15 && sort != app:
		return leave
	case n < 23 && sort == plain: // a key that the account has had before lowers the risk
		return number
	}
	return approve
}

// begin starts a sign-in and has somebody asked about it. A start whose answer was lost
// is begun anew, under another name. It is not ok when the town winds down.
func (d *desk) begin(sort sort, client string) (m *matter, g wire.DeviceAuthorization, ok bool) {
	for d.town.open() {
		s := d.town.ledger.open(d.name(), sort, d.wish(sort))
		f := form(client, "device_name", s.name)
		if d.wallet.bound() {
			f.Set(wire.ParamDPoPKey, d.wallet.key.Thumbprint())
		}
		r, err := d.line.post(new(wallet), wire.PathDeviceAuthorization, f)
		switch {
		case errors.Is(err, errUnsent):
			d.town.ledger.drop(s)
		case err != nil, r.later():
		case r.status == http.StatusOK && r.read(&g) == nil:
			d.town.ledger.tell(s, begun)
			m = d.offer(s, func() string { return g.VerificationURIComplete })
			return m, g, true
		default:
			d.town.fault("%s: start: %d %s", s.name, r.status, r.code)
		}
		d.town.ledger.settle(s)
		pause(retryPause)
	}
	return nil, g, false
}

func (d *desk) name() string { return fmt.Sprintf("PC-%d", d.town.names.Add(1)) }

// offer shows the QR code to somebody.
func (d *desk) offer(s *signIn, link func() string) *matter {
	m := &matter{s: s, link: link, decided: make(chan struct{}), number: make(chan string, 1)}
	d.town.somebody(d.chance).errands <- func(p *person) { p.decide(m) }
	return m
}

// attempt is a sign-in with what its desktop has to remember.
type attempt struct {
	*matter
	code      string
	lostSince time.Time // when the first poll was sent that was never answered; zero: none was
}

// follow polls until the sign-in has come to an end.
func (d *desk) follow(m *matter, code string) {
	a := &attempt{matter: m, code: code}
	if m.s.wish == leave {
		<-m.decided
		d.cancel(a)
		return
	}
	for !d.poll(a) {
		select {
		case digits := <-m.number:
			d.confirm(a, digits)
		default:
			pause(pollPause)
		}
	}
}

// said is what came of a poll.
type said struct {
	reply
	err error
	at  time.Time // when it was sent
}

// poll asks for the tokens, now and then twice at the same time. It reports whether
// the sign-in is over.
func (d *desk) poll(a *attempt) bool {
	l := d.town.ledger
	decided := l.fate(a.s, approved) == told || l.fate(a.s, denied) == told
	l.ask(a.s, signedIn)
	answers := []said{{}}
	if a.s.sort == plain && d.chance.IntN(5) == 0 {
		second := make(chan said)
		go func() { second <- d.redeem(&d.other, a.code) }()
		answers[0] = d.redeem(&d.line, a.code)
		answers = append(answers, <-second)
	} else {
		answers[0] = d.redeem(&d.line, a.code)
	}
	// Of two, tokens tell more than anything, and a lost answer explains a refusal.
	slices.SortFunc(answers, func(a, b said) int { return cmp.Compare(a.rank(), b.rank()) })
	if len(answers) == 2 && answers[0].rank() == 0 && answers[1].rank() == 0 {
		d.town.fault("%s: two polls at the same time got tokens", a.s.name)
	}
	for _, answer := range answers {
		if d.judge(a, answer, decided) {
			return true
		}
	}
	return false
}

func (s said) rank() int {
	switch {
	case s.err == nil && s.status == http.StatusOK:
		return 0
	case errors.Is(s.err, errLost):
		return 1
	}
	return 2
}

func (d *desk) redeem(over *line, code string) said {
	at := time.Now()
	w := &d.wallet
	if !w.bound() {
		w = new(wallet) // another poll may be out at the same time
	}
	r, err := over.post(w, wire.PathToken, form(homeApp, "grant_type", wire.GrantTypeDeviceCode, "device_code", code))
	return said{r, err, at}
}

// judge takes an answer to a poll. Decided says that the person's decision was
// acknowledged before the poll was sent. It reports whether the sign-in is over.
func (d *desk) judge(a *attempt, answer said, decided bool) bool {
	l := d.town.ledger
	switch {
	case errors.Is(answer.err, errLost):
		if a.lostSince.IsZero() {
			a.lostSince = answer.at
		}
		return false
	case answer.err != nil, answer.later():
		return false
	case answer.status == http.StatusOK:
		d.arrive(a, answer)
		return true
	case answer.code == wire.CodeAuthorizationPending && !decided:
		return false
	case answer.code == wire.CodeAccessDenied && l.fate(a.s, denied) != never:
	case answer.code == wire.CodeInvalidGrant && !a.lostSince.IsZero():
		d.interrupted(a)
	default:
		d.town.fault("%s: poll: %d %s; approval %d, denial %d", a.s.name, answer.status, answer.code, l.fate(a.s, approved), l.fate(a.s, denied))
	}
	l.settle(a.s)
	return true
}

// interrupted is a code that was spent by a poll whose answer was lost. Who has no key
// cannot be told from a thief; who has one may ask again for a while, and has done so.
func (d *desk) interrupted(a *attempt) {
	l, now := d.town.ledger, time.Now()
	l.interrupt(a.s, now)
	switch {
	case !d.wallet.bound():
		l.count(tokensLost)
	case now.Before(a.lostSince.Add(grant.RepeatFor)):
		d.town.fault("%s: its key could not repeat the poll of %v ago", a.s.name, now.Sub(a.lostSince))
	default:
		l.count(repeatsTooLate)
	}
	if d.chance.IntN(2) == 0 {
		d.end(a.s, a.code) // or else the session stays that nobody holds
	}
}

// arrive takes the tokens, and leaves the session to the holders.
func (d *desk) arrive(a *attempt, answer said) {
	s := d.accept(a.s, answer.reply)
	if s == nil {
		return
	}
	spent := answer.at // or later
	if !a.lostSince.IsZero() {
		spent = a.lostSince
	}
	if d.wallet.bound() && !a.lostSince.IsZero() {
		d.town.ledger.count(repeats)
	}
	if d.chance.IntN(4) == 0 {
		s = d.comeAgain(a, s, spent)
	}
	<-a.decided // the person may still be asking what became of the approval
	s.who = a.who
	d.stand(s)
}

// accept reads tokens; nil when they are none.
func (d *desk) accept(of *signIn, r reply) *stay {
	var t wire.Token
	err := r.read(&t)
	session := sessionOf(t.AccessToken)
	if err != nil || session == "" || t.RefreshToken == "" {
		d.town.fault("%s: the tokens are none: %v", of.name, err)
		return nil
	}
	if !d.town.ledger.tokens(of, session) {
		d.town.fault("%s: tokens of two sessions", of.name)
	}
	return &stay{of: of, wallet: d.wallet, access: t.AccessToken, refresh: t.RefreshToken}
}

// sessionOf reads the sid of an access token; "" when it is none.
func sessionOf(access string) string {
	var claims struct{ Sid string }
	parts := strings.Split(access, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Sid
}

// comeAgain brings the code once more that has yielded tokens, at that time or later:
// refused, but to the key, which gets the same session for a while.
func (d *desk) comeAgain(a *attempt, s *stay, spent time.Time) *stay {
	for {
		answer := d.redeem(&d.line, a.code)
		mayRepeat := d.wallet.bound() && time.Since(spent) < grant.RepeatFor
		switch {
		case answer.err != nil, answer.later():
			pause(retryPause)
			continue
		case answer.status == http.StatusOK && d.wallet.bound():
			if again := d.accept(a.s, answer.reply); again != nil {
				return again
			}
		case answer.code == wire.CodeInvalidGrant && !mayRepeat:
			d.town.ledger.count(secondRedeems)
		default:
			d.town.fault("%s: its spent code was answered %d %s", a.s.name, answer.status, answer.code)
		}
		return s
	}
}

// cancel gives up.
func (d *desk) cancel(a *attempt) {
	l := d.town.ledger
	l.ask(a.s, cancelled)
	if d.revoke(a.s, a.code) {
		l.tell(a.s, cancelled)
	}
	l.settle(a.s)
}

// end signs a computer out.
func (d *desk) end(of *signIn, tok string) {
	d.town.ledger.ask(of, signedOut)
	if d.revoke(of, tok) {
		d.town.ledger.tell(of, signedOut)
	}
}

// revoke insists: doing it twice does no more than once (RFC 7009 section 2.2).
func (d *desk) revoke(of *signIn, tok string) bool {
	for {
		r, err := d.line.post(new(wallet), wire.PathRevoke, form(homeApp, "token", tok))
		switch {
		case err != nil, r.later():
			pause(retryPause)
		case r.status == http.StatusOK:
			return true
		default:
			d.town.fault("%s: revoke: %d %s", of.name, r.status, r.code)
			return false
		}
	}
}

// confirm brings the number that the person reads from the phone.
func (d *desk) confirm(a *attempt, digits string) {
	l, lost := d.town.ledger, false
	l.ask(a.s, approved)
	for {
		r, err := d.line.post(new(wallet), wire.PathConfirmation, form(homeApp, "device_code", a.code, "number", digits))
		switch {
		case err != nil, r.later():
			lost = lost || errors.Is(err, errLost)
			pause(retryPause)
			continue
		case r.status == http.StatusOK, lost && r.code == wire.CodeInvalidRequest: // it is approved already
			l.tell(a.s, approved)
		default:
			d.town.fault("%s: bring the number: %d %s", a.s.name, r.status, r.code)
		}
		return
	}
}

// lateBatch is how many sign-ins somebody begins who comes back too late for them.
const lateBatch = 3

// workLate begins sign-ins, and asks for their tokens when their codes have run out.
func (d *desk) workLate() {
	for d.town.open() {
		var batch []*attempt
		var over time.Time
		for range lateBatch {
			if m, g, ok := d.begin(late, hastyApp); ok {
				batch = append(batch, &attempt{matter: m, code: g.DeviceCode})
				over = time.Now().Add(hastyLife)
			}
		}
		pause(time.Until(over)) // to be late is what this desktop is for
		for _, a := range batch {
			<-a.decided
			d.comeLate(a)
		}
	}
	d.line.hangUp()
}

func (d *desk) comeLate(a *attempt) {
	for {
		r, err := d.line.post(new(wallet), wire.PathToken, form(hastyApp, "grant_type", wire.GrantTypeDeviceCode, "device_code", a.code))
		switch {
		case err != nil, r.later():
			pause(retryPause)
			continue
		case r.code == wire.CodeExpiredToken:
			d.town.ledger.expire(a.s)
		default:
			d.town.fault("%s: came too late, and was answered %d %s", a.s.name, r.status, r.code)
		}
		d.town.ledger.settle(a.s)
		return
	}
}
