package endurance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
)

// crew is how many of each there are in a town. Together they keep two processors
// busy, and have something in flight at every moment.
type crew struct {
	plain, bound, apps, late int // desktops
	people                   int // each with a phone
	holders                  int // of sessions: they refresh them, and sign them out
}

// town is a server with people and desktops around it, who go on whatever happens to
// it, as real ones would.
type town struct {
	power        *power
	ledger       *ledger
	server       *load.Server // the first one; the others are at the same address
	issuer, host string
	seed         uint64
	names        atomic.Int64 // that were given
	choosers     uint64       // sources of choices that were given
	inFlight     atomic.Int64 // requests over raw connections and of phones

	people []*person
	shelf  chan *stay // sessions that nobody uses at the moment
	gone   *graveyard

	closing chan struct{} // closed when no new sign-ins are begun
	busy    sync.WaitGroup
	holding sync.WaitGroup
	living  sync.WaitGroup
}

const (
	// shelfSize bounds the sessions that are alive at once, and with the sessions what
	// is checked at the end.
	shelfSize = 48
	// homeApp and hastyApp are the clients: the second's codes run out as soon as the
	// server allows.
	homeApp, hastyApp = "home", "hasty"
	hastyLife         = 10 * time.Second
)

// found makes a town whose server is on, and nobody in it yet.
func found(t *testing.T, seed uint64) *town {
	t.Helper()
	data := t.TempDir()
	for _, args := range [][]string{
		{homeApp, "--name", "Home", "--interval", "1s"},
		{hastyApp, "--name", "Hasty", "--interval", "1s", "--lifetime", hastyLife.String()},
	} {
		verb(t, append([]string{"client", "add", "--data", data}, args...)...)
	}
	p, err := newPower(data, "--limits", "off", "--access-token-lifetime", "1h", "--log-level", "warn")
	if err != nil {
		t.Fatal(err)
	}
	w := &town{
		power: p, ledger: newLedger(), seed: seed,
		shelf: make(chan *stay, shelfSize), gone: new(graveyard), closing: make(chan struct{}),
	}
	t.Cleanup(func() {
		if p.server != nil {
			_ = p.server.Kill()
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", p.log)
		}
	})
	w.on(t)
	w.server, w.issuer = p.server, p.server.Issuer
	w.host = strings.TrimPrefix(w.issuer, "http://")
	return w
}

// verb runs a command of the server's binary.
func verb(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), built, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("qrauthd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// on starts the server, and wants it to come up.
func (w *town) on(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.power.on(ctx); err != nil {
		t.Fatalf("after %d cuts the server does not start: %v", w.power.phase.Load()/2, err)
	}
}

// settleIn has everybody begin. Each makes choices of their own, by the town's seed.
func (w *town) settleIn(c crew) {
	for i := range c.people {
		p := &person{town: w, chance: w.chance(), errands: make(chan func(*person), 256), first: fmt.Sprintf("Person %d", i)}
		w.people = append(w.people, p)
		w.living.Go(p.live)
	}
	for _, group := range []struct {
		n    int
		life func(*desk)
	}{
		{c.plain, func(d *desk) { d.work(plain) }},
		{c.bound, func(d *desk) { d.work(bound) }},
		{c.apps, (*desk).workByApp},
		{c.late, (*desk).workLate},
	} {
		for range group.n {
			d := w.newDesk()
			w.busy.Go(func() { group.life(d) })
		}
	}
	for range c.holders {
		h := &holder{desk: w.newDesk()}
		w.holding.Go(h.hold)
	}
}

func (w *town) newDesk() *desk {
	d := &desk{town: w, chance: w.chance()}
	d.line.town, d.other.town = w, w
	return d
}

// chance is a source of choices for one of the town. Only the test's own goroutine asks
// for it, so that the same seed gives everybody the same.
func (w *town) chance() *rand.Rand {
	w.choosers++
	return rand.New(rand.NewPCG(w.seed, w.choosers))
}

// open is false when no new sign-in is to be begun.
func (w *town) open() bool {
	select {
	case <-w.closing:
		return false
	default:
		return true
	}
}

// windDown has everybody end what they have begun, while the server stays on.
func (w *town) windDown(t *testing.T) {
	t.Helper()
	close(w.closing)
	for _, group := range []struct {
		who  string
		work *sync.WaitGroup
	}{{"desktops", &w.busy}, {"holders of sessions", &w.holding}} {
		w.await(t, group.who, group.work)
	}
	for _, p := range w.people {
		close(p.errands)
	}
	w.await(t, "people", &w.living)
}

// await fails the test when they do not come to an end: somebody waits for an answer
// that never comes.
func (w *town) await(t *testing.T, who string, work *sync.WaitGroup) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		work.Wait()
		close(ended)
	}()
	late := time.NewTimer(2 * patience)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		t.Fatalf("the %s do not come to an end:\n%s", who, w.ledger.broken())
	}
}

func (w *town) fault(format string, of ...any) { w.ledger.fault(format, of...) }

// somebody is a person by chance.
func (w *town) somebody(chance *rand.Rand) *person { return w.people[chance.IntN(len(w.people))] }

// retryPause is how long somebody waits who got no answer, or is to ask again: what a
// client does, and no wait for anything.
const retryPause = 25 * time.Millisecond

func pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// form is one of the client's.
func form(client string, members ...string) url.Values {
	f := url.Values{"client_id": {client}}
	for i := 0; i < len(members); i += 2 {
		f.Set(members[i], members[i+1])
	}
	return f
}

// visitAll asks of all that is left whether it is still good: sessions that were not
// ended, those that were, and accounts. Nobody else asks anything any more.
func (w *town) visitAll() {
	d := w.newDesk()
	defer d.line.hangUp()
	close(w.shelf)
	for s := range w.shelf {
		if d.alive(s) {
			d.renew(s)
		}
	}
	for _, s := range w.gone.all() {
		d.visit(s)
	}
	for _, p := range w.people {
		for _, a := range p.accounts {
			if err := p.insist(a.phone.SignIn); err != nil {
				w.fault("%s: sign in after all: %v", a.name, err)
			}
			_ = a.phone.Close()
		}
		_ = p.stranger.Close()
	}
}
