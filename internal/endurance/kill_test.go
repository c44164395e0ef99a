package endurance

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	killCount = flag.Int("kills", 10, "how often the power is cut under load")
	killSeed  = flag.Uint64("seed", 0, "of the moments at which it is cut, and of what people do; 0: by chance")
)

// cut is a way in which the power goes.
type cut int

const (
	anyMoment  cut = iota // under load
	uponFact              // right after the server has told something
	atOnce                // right after it came back, so that two cuts follow each other
	inStart               // while it starts
	inStop                // while it stops as it was asked to
	cutsOfKind            // their number
)

func (c cut) String() string {
	return [cutsOfKind]string{"at a random moment", "right after it had told something", "as soon as it was ready", "while it started", "while it stopped"}[c]
}

// deck is what ten cuts are like, in an order by chance.
var deck = []cut{anyMoment, anyMoment, anyMoment, uponFact, uponFact, uponFact, uponFact, atOnce, inStart, inStop}

// factsToCutUpon are told often.
var factsToCutUpon = []fact{approved, signedIn, refreshed, approved, signedOut, denied}

const (
	// Between these is the time under load before a cut: up to as long as the start took
	// where that is more, for then everything takes its time. factPatience bounds the
	// wait for a fact to be told.
	shortestCalm, longestCalm = 50 * time.Millisecond, 1200 * time.Millisecond
	factPatience              = 5 * time.Second
	// longestStop bounds the time from the request to stop to the cut. A stop takes
	// about as long.
	longestStop = 20 * time.Millisecond
	// keptInLedger is how long what was settled is checked again after each cut. The
	// server forgets grants an hour after their expiry.
	keptInLedger = 20 * time.Minute
)

// TestWhatWasToldHoldsAfterAPowerCut kills the server (SIGKILL) again and again while
// it signs people in, and wants it to stand by all that it had told anybody: see
// docs/endurance.md.
func TestWhatWasToldHoldsAfterAPowerCut(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%d cuts, -seed %d", *killCount, seed)
	began := time.Now()
	w := found(t, seed)
	c := &cutter{t: t, town: w, chance: w.chance(), scratch: t.TempDir()}
	w.settleIn(crew{plain: 6, bound: 4, apps: 4, late: 1, people: 4, holders: 4})
	for range *killCount {
		c.cut()
	}
	c.finish()
	c.summarize(time.Since(began))
}

// cutter cuts the power and looks into what is left.
type cutter struct {
	t       *testing.T
	town    *town
	chance  *rand.Rand
	scratch string // folder for copies

	cuts    int
	hand    []int // places in the deck, in which the next cuts are
	atCut   int64 // requests that were in flight at the last cut
	everCut int64 // and at all of them
	before  page  // of the last inquest
	records int   // of the audit log, at the last inquest
}

// cut is one cut: the server dies, what it has left is copied, it starts again, and
// the copy is compared with what it had told, while the load goes on.
func (c *cutter) cut() {
	c.t.Helper()
	c.cuts++
	began := time.Now()
	how, err := c.strike()
	if err != nil {
		c.t.Fatalf("cut %d, %s: %v", c.cuts, how, err)
	}
	calm := time.Since(began)
	before := c.before
	found := c.examine()
	c.town.on(c.t)
	c.check(<-found)
	c.everCut += c.atCut
	c.t.Logf("cut %d of %d, %s, after %d ms; requests in flight: %d; back in %d ms; since the last: %d sign-ins, %d approvals; checked: %d sign-ins, %d records",
		c.cuts, *killCount, how, calm.Milliseconds(), c.atCut, c.town.power.slow.Milliseconds(),
		c.before.totals[begun]-before.totals[begun], c.before.totals[approved]-before.totals[approved], len(c.before.signIns), c.records)
	c.town.ledger.forget(time.Now().Add(-keptInLedger))
}

// strike waits for its moment and cuts the power. It says how.
func (c *cutter) strike() (how string, err error) {
	kind, p := c.draw(), c.town.power
	how = kind.String()
	switch kind {
	case atOnce:
	case uponFact:
		how = c.awaitFact()
	default:
		pause(c.calm())
	}
	if p.died() {
		return how, errors.New("the server had ended by itself before")
	}
	c.atCut = c.town.inFlight.Load()
	switch kind {
	case inStart:
		if err = p.off(); err == nil {
			err = p.offDuringStart(c.between(0, p.slow))
		}
	case inStop:
		err = p.offDuringStop(c.between(0, longestStop))
	default:
		err = p.off()
	}
	return how, err
}

// draw takes the next kind of cut.
func (c *cutter) draw() cut {
	if len(c.hand) == 0 {
		c.hand = c.chance.Perm(len(deck))
	}
	next := deck[c.hand[0]]
	c.hand = c.hand[1:]
	return next
}

// calm is a time under load before a cut. When a cut comes is what this test tries
// out: nothing is waited for.
func (c *cutter) calm() time.Duration {
	return c.between(shortestCalm, max(longestCalm, c.town.power.slow))
}

func (c *cutter) between(low, high time.Duration) time.Duration {
	return low + time.Duration(c.chance.Int64N(int64(max(high-low, 1))))
}

// awaitFact waits until the server tells some kind of fact. It says which.
func (c *cutter) awaitFact() string {
	f := factsToCutUpon[c.chance.IntN(len(factsToCutUpon))]
	late := time.NewTimer(factPatience)
	defer late.Stop()
	select {
	case <-c.town.ledger.next(f):
		return uponFact.String() + ": " + f.String()
	case <-late.C:
		return anyMoment.String()
	}
}

// examine copies what is left and has it looked into. The server is off meanwhile.
func (c *cutter) examine() <-chan *inquest {
	c.t.Helper()
	page := c.town.ledger.page() // all of it was told before the copy
	dir := filepath.Join(c.scratch, fmt.Sprint("wreck", c.cuts))
	if err := salvage(c.town.power.launch.Data, dir); err != nil {
		c.t.Fatalf("copy what the server has left: %v", err)
	}
	found := make(chan *inquest, 1)
	go func() {
		defer os.RemoveAll(dir)
		q := newInquest(page)
		q.verify(dir)
		q.examine(dir)
		found <- q
	}()
	return found
}

// check ends the test at the first promise that was broken.
func (c *cutter) check(q *inquest) {
	c.t.Helper()
	c.before, c.records = q.page, q.archive.records
	if faults := strings.TrimSpace(strings.Join(q.faults, "\n") + "\n" + c.town.ledger.broken()); faults != "" {
		c.t.Fatalf("after cut %d:\n%s", c.cuts, faults)
	}
}

// finish lets everybody end what they have begun, wants each approval to have come to
// something, cuts the power once more and asks of all that is left whether it is good.
func (c *cutter) finish() {
	c.t.Helper()
	c.town.windDown(c.t)
	for name, s := range c.town.ledger.page().signIns {
		if s.fates[approved] == told && s.end() == inNothing {
			c.town.fault("%s: its approval was acknowledged, and came to nothing", name)
		}
	}
	if err := c.town.power.off(); err != nil {
		c.t.Fatal(err)
	}
	c.check(<-c.examine())
	c.town.on(c.t)
	c.town.visitAll()
	if err := c.town.power.server.Stop(); err != nil {
		c.t.Errorf("the server does not stop as it should: %v", err)
	}
	c.check(<-c.examine())
}

// summarize prints what is to be quoted. docs/endurance.md explains its words.
func (c *cutter) summarize(took time.Duration) {
	p := c.before
	c.t.Logf(`
cuts                      %d, with %d requests in flight
sign-ins started          %d: %d plain, %d bound, %d by the SDK, %d late
approvals acknowledged    %d: %d ended in tokens, %d in expired_token, %d interrupted
interrupted in all        %d plain (the tokens were lost on the wire), %d bound (too late to ask again)
answers lost on the wire  %d: %d were got by asking again, of %d the phone's page told
refreshes                 %d; %d plain sessions ended (the answer was lost on the wire)
denials                   %d
cancellations             %d
sign-outs                 %d
accounts                  %d
spent codes refused       %d
checked after each cut    all that was told; audit verify, integrity_check, foreign_key_check; at last %d sign-ins, %d records
time                      %s
`,
		c.cuts, c.everCut, p.totals[begun], p.began[plain], p.began[bound], p.began[app], p.began[late],
		p.totals[approved], p.ends[inTokens], p.ends[inExpiry], p.ends[inInterruption],
		p.counts[tokensLost], p.counts[repeatsTooLate], p.counts[answersLost], p.counts[repeats], p.counts[learntLater],
		p.totals[refreshed], p.counts[refreshesLost], p.totals[denied], p.totals[cancelled], p.totals[signedOut],
		p.totals[joined], p.counts[secondRedeems], len(p.signIns), c.records, took.Round(time.Second))
}
