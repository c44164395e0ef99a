package endurance

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"
)

// fact is something that the server can tell the outside of a sign-in or of an account.
type fact int

const (
	begun     fact = iota // a device code was given out
	proved                // the passkey was accepted; where no number is awaited, this is the approval
	approved              // the passkey was accepted and a number with it, or none was awaited
	denied                // the person said no
	cancelled             // the desktop gave up
	signedIn              // the desktop has its tokens
	refreshed             // a refresh token was taken, and there is a new one; counted, for it happens again
	signedOut             // the session was ended, from the desktop or the phone
	reused                // a refresh token came twice, and that ended the session
	joined                // an account was made
	facts
)

var factNames = [facts]string{
	"started", "proved", "approved", "denied", "cancelled", "signed in", "refreshed", "signed out", "ended by reuse", "joined",
}

func (f fact) String() string { return factNames[f] }

// fate is how much of a fact is known outside of the server.
type fate int

const (
	never fate = iota // nobody has asked for it
	asked             // it was asked for, and no answer has told: it may be or not
	told              // the server has said so, and must stand by it
)

// sort is what kind of a desktop it is.
type sort int

const (
	plain sort = iota // bearer tokens, over a raw connection
	bound             // tokens bound to a key, over a raw connection
	app               // the SDK, which binds them too
	late              // it comes back only when its code has run out
	sorts
)

// wish is what is to become of a sign-in.
type wish int

const (
	approve wish = iota
	deny
	leave  // nobody answers, and the desktop gives up
	number // approved with a number, for the code is opened in two browsers
)

// signIn is what the outside knows of one sign-in and of the session that it became.
type signIn struct {
	name  string // of the computer, which has this one sign-in only
	sort  sort
	wish  wish
	fates [facts]fate

	session   string // its ID, once tokens came
	refreshes int64  // that were answered
	expired   bool   // the server has said that the code has run out
	// interrupted is when the code was refused as used, after an answer that was lost.
	interrupted time.Time
	settled     time.Time // when nothing was left to be asked; zero: something is
}

// end is what an approval that was acknowledged has come to.
type end int

const (
	inNothing      end = iota // which must not be
	inTokens                  // that have arrived
	inExpiry                  // as the server has said to who came too late
	inInterruption            // the answer with the tokens was lost, and could not be had again
	ends
)

// end is what has become of the sign-in's approval.
func (s *signIn) end() end {
	switch {
	case s.fates[signedIn] == told:
		return inTokens
	case s.expired:
		return inExpiry
	case !s.interrupted.IsZero():
		return inInterruption
	}
	return inNothing
}

// count is something that is counted beside the facts.
type count int

const (
	answersLost    count = iota // requests that a cut left without an answer
	tokensLost                  // of them, tokens of a plain desktop, which signs in again
	refreshesLost               // of them, refreshes of a plain desktop, whose repetition ended the session
	repeats                     // answers that a bound desktop got by asking again
	repeatsTooLate              // bound desktops that could only ask again when the time for it was over
	expiries                    // codes that were refused as run out, as they should be
	learntLater                 // decisions whose answer was lost, and that the phone's page told
	secondRedeems               // spent codes that were brought again, and refused
	counts
)

// ledger holds what the server has told the outside. It is safe for concurrent use.
type ledger struct {
	mu       sync.Mutex
	signIns  map[string]*signIn // guarded by mu, as is what is in them
	accounts map[string]fate    // by name
	totals   [facts]int
	counts   [counts]int
	began    [sorts]int
	ends     [ends]int // of approvals that were acknowledged and are forgotten here
	watched  map[fact]chan struct{}
	faults   []string
}

func newLedger() *ledger {
	return &ledger{signIns: map[string]*signIn{}, accounts: map[string]fate{}, watched: map[fact]chan struct{}{}}
}

// open enters a sign-in before the server is asked for it.
func (l *ledger) open(name string, sort sort, wish wish) *signIn {
	s := &signIn{name: name, sort: sort, wish: wish}
	s.fates[begun] = asked
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signIns[name] = s
	return s
}

// drop takes back a sign-in that the server was never asked for.
func (l *ledger) drop(s *signIn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.signIns, s.name)
}

// ask notes that the server is about to be asked.
func (l *ledger) ask(s *signIn, f fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.fates[f] = max(s.fates[f], asked)
}

// tell notes that the server has said so. Telling twice is no news, but for refreshes.
func (l *ledger) tell(s *signIn, f fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == refreshed {
		s.refreshes++
	} else if s.fates[f] == told {
		return
	}
	s.fates[f] = told
	if f == begun {
		l.began[s.sort]++
	}
	l.happenedLocked(f)
}

func (l *ledger) happenedLocked(f fact) {
	l.totals[f]++
	if c := l.watched[f]; c != nil {
		close(c)
		delete(l.watched, f)
	}
}

// next is closed when the server tells such a fact again.
func (l *ledger) next(f fact) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watched[f] == nil {
		l.watched[f] = make(chan struct{})
	}
	return l.watched[f]
}

// fate is what is known of a fact at the moment.
func (l *ledger) fate(s *signIn, f fact) fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.fates[f]
}

// tokens notes the session whose tokens came. It reports false when tokens of another
// one came before.
func (l *ledger) tokens(s *signIn, session string) bool {
	l.mu.Lock()
	before := s.session
	s.session = session
	l.mu.Unlock()
	l.tell(s, signedIn)
	return before == "" || before == session
}

// expire notes that the server has said that the code has run out.
func (l *ledger) expire(s *signIn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.expired = true
	l.counts[expiries]++
}

// interrupt notes that the code was refused as used, and that an answer was lost before.
func (l *ledger) interrupt(s *signIn, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.interrupted = now
}

// settle notes that nobody is going to ask anything of the sign-in any more.
func (l *ledger) settle(s *signIn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.settled = time.Now()
}

// account notes what is known of an account.
func (l *ledger) account(name string, f fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accounts[name] = f
	if f == told {
		l.happenedLocked(joined)
	}
}

func (l *ledger) count(c count) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[c]++
}

// forget drops what was settled before that time. Whoever calls it has checked it.
func (l *ledger) forget(before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, s := range l.signIns {
		if s.settled.IsZero() || !s.settled.Before(before) {
			continue
		}
		if s.fates[approved] == told {
			l.ends[s.end()]++
		}
		delete(l.signIns, name)
	}
}

// maxFaults bounds what is told of them.
const maxFaults = 40

// fault notes a promise that was broken.
func (l *ledger) fault(format string, of ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) < maxFaults {
		l.faults = append(l.faults, fmt.Sprintf(format, of...))
	}
}

// broken is what was noted by fault so far.
func (l *ledger) broken() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.faults, "\n")
}

// page is the ledger at one moment.
type page struct {
	signIns  map[string]signIn
	accounts map[string]fate
	totals   [facts]int
	counts   [counts]int
	began    [sorts]int
	ends     [ends]int // of the approvals that were acknowledged
}

func (l *ledger) page() page {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := page{
		signIns: make(map[string]signIn, len(l.signIns)), accounts: maps.Clone(l.accounts),
		totals: l.totals, counts: l.counts, began: l.began, ends: l.ends,
	}
	for name, s := range l.signIns {
		p.signIns[name] = *s
		if s.fates[approved] == told {
			p.ends[s.end()]++
		}
	}
	return p
}
