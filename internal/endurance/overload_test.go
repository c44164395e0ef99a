package endurance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// overloadBy is how many times what it can take a server is asked for.
const overloadBy = 3

// storm asks a server by schedule: whoever is answered late finds that the next
// question is late already, and asks it at once.
type storm struct {
	server *load.Server
	conns  []*stormConn
}

// stormConn is one connection of a storm, with a question of its own.
type stormConn struct {
	*load.Conn
	question load.Request
	right    int // the status of an answer that is none of a refusal
	every    time.Duration

	taken []time.Duration // from question to answer
	shed  int
}

// newStorm connects as many as it takes to ask overloadBy times for what the server can
// take of each, and yet wait for the answers.
func newStorm(t testing.TB, s *load.Server, c capacity) *storm {
	t.Helper()
	conn := dial(t, s)
	grant, err := conn.Start(s.Host, "POLLING-PC")
	if err != nil {
		t.Fatal(err)
	}
	st := &storm{server: s}
	// Both at once have half of the machine each.
	st.add(t, c.starts/2, load.Post(s.Host, wire.PathDeviceAuthorization, load.StartForm("STORM-PC")), http.StatusOK)
	st.add(t, c.polls/2, load.Post(s.Host, wire.PathToken, load.PollForm(grant.DeviceCode)), http.StatusBadRequest)
	return st
}

// mostStormy bounds the connections of each kind. They are more than have a place or
// may be in a line.
const mostStormy = 2600

// add adds connections that ask overloadBy times the rate. There are more of them than
// the server lets wait, which is what it can take in a quarter of a second.
func (st *storm) add(t testing.TB, rate float64, question load.Request, right int) {
	n := min(mostStormy, 512+int(rate))
	every := time.Duration(float64(n) / (overloadBy * rate) * float64(time.Second))
	for range n {
		st.conns = append(st.conns, &stormConn{Conn: dial(t, st.server), question: question, right: right, every: every})
	}
}

func dial(t testing.TB, s *load.Server) *load.Conn {
	t.Helper()
	conn, err := load.Dial(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// rage lets the storm last until ctx ends, and returns the first fault: a connection
// that was cut, or an answer that is neither right nor a refusal as it should be.
func (st *storm) rage(ctx context.Context) error {
	faults := make([]error, len(st.conns))
	began := time.Now()
	var work sync.WaitGroup
	for i, c := range st.conns {
		due := began.Add(c.every * time.Duration(i) / time.Duration(len(st.conns)))
		work.Go(func() { faults[i] = c.ask(ctx, due) })
	}
	work.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *stormConn) ask(ctx context.Context, due time.Time) error {
	pace := time.NewTimer(time.Until(due))
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return nil
		}
		asked := time.Now()
		a, err := c.Do(c.question)
		if err != nil {
			return fmt.Errorf("a connection was cut: %w", err)
		}
		if err := c.count(a, time.Since(asked)); err != nil {
			return err
		}
		due = due.Add(c.every)
		pace.Reset(time.Until(due))
	}
}

func (c *stormConn) count(a load.Answer, took time.Duration) error {
	seconds, err := strconv.Atoi(a.RetryAfter)
	switch {
	case a.Status == c.right:
		c.taken = append(c.taken, took)
	case a.Status != http.StatusServiceUnavailable:
		return fmt.Errorf("answered with %d %s", a.Status, a.Body)
	case err != nil || seconds < 1 || seconds > 5:
		return fmt.Errorf("refused with Retry-After %q, want 1 to 5 seconds", a.RetryAfter)
	default:
		c.shed++
	}
	return nil
}

// tally is how long all those took that were taken, and how many were shed.
func (st *storm) tally() (taken []time.Duration, shed int) {
	for _, c := range st.conns {
		taken = append(taken, c.taken...)
		shed += c.shed
	}
	return taken, shed
}

// capacity is what a server can take of each in a second when it is asked for no more.
type capacity struct{ starts, polls float64 }

func measure(t testing.TB, s *load.Server, lasting time.Duration) capacity {
	t.Helper()
	conn := dial(t, s)
	grant, err := conn.Start(s.Host, "MEASURED-PC")
	if err != nil {
		t.Fatal(err)
	}
	rate := func(path, form string, right int) float64 {
		question := load.Post(s.Host, path, form)
		r, err := load.Drive(t.Context(), load.Plan{Clients: 64, Time: lasting}, func(int) (load.Client, error) {
			c, err := load.Dial(s.Address)
			return calm{c, question, right}, err
		})
		if err != nil {
			t.Fatalf("64 clients: %v", err)
		}
		return r.Rate()
	}
	return capacity{
		starts: rate(wire.PathDeviceAuthorization, load.StartForm("CALM-PC"), http.StatusOK),
		polls:  rate(wire.PathToken, load.PollForm(grant.DeviceCode), http.StatusBadRequest),
	}
}

// calm is a client that asks when it is answered. It is never to be turned away.
type calm struct {
	*load.Conn
	question load.Request
	right    int
}

func (c calm) Step() error {
	a, err := c.Do(c.question)
	if err == nil && a.Status != c.right {
		err = fmt.Errorf("answered with %d %s", a.Status, a.Body)
	}
	return err
}

// people approve sign-ins while the storm rages, one after the other, and their
// desktops fetch the tokens.
type people struct {
	server *load.Server
	list   []*somebody

	mu    sync.Mutex
	took  []time.Duration // from the tap to the acknowledgement; guarded by mu
	ended int             // desktops that were signed in; guarded by mu
}

// somebody has a phone and computers.
type somebody struct {
	phone    *load.Phone
	computer *load.Conn
	begun    []wire.DeviceAuthorization
}

// signIns is how many each of the people may approve in a storm.
const signIns = 50

func newPeople(t testing.TB, s *load.Server, n int) *people {
	t.Helper()
	p := &people{server: s}
	for i := range n {
		phone, err := load.NewPhone(s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = phone.Close() })
		if err := phone.Join(fmt.Sprintf("Person %d", i)); err != nil {
			t.Fatal(err)
		}
		who := &somebody{phone: phone, computer: dial(t, s)}
		for range signIns {
			g, err := who.computer.Start(s.Host, "ALICE-PC")
			if err != nil {
				t.Fatal(err)
			}
			who.begun = append(who.begun, g)
		}
		p.list = append(p.list, who)
	}
	return p
}

// signIn has them approve until ctx ends. What is approved is seen to its end.
func (p *people) signIn(ctx context.Context) error {
	faults := make([]error, len(p.list))
	var work sync.WaitGroup
	for i, who := range p.list {
		work.Go(func() { faults[i] = p.approveAll(ctx, who) })
	}
	work.Wait()
	return errors.Join(faults...)
}

func (p *people) approveAll(ctx context.Context, who *somebody) error {
	approved := make(chan wire.DeviceAuthorization, signIns)
	fetched := make(chan error, 1)
	go func() { fetched <- p.fetchAll(who, approved) }()
	var err error
	for _, g := range who.begun {
		if err != nil || ctx.Err() != nil {
			break
		}
		if err = p.approve(who, g); err == nil {
			approved <- g
		}
	}
	close(approved)
	return errors.Join(err, <-fetched)
}

// approve is never to be turned away.
func (p *people) approve(who *somebody, g wire.DeviceAuthorization) error {
	o, err := who.phone.Scan(g.VerificationURIComplete)
	if err != nil {
		return fmt.Errorf("a scan: %w", err)
	}
	began := time.Now()
	assertion, err := who.phone.Touch(o)
	if err != nil {
		return fmt.Errorf("a tap on Approve: %w", err)
	}
	if err := who.phone.Finish(o, assertion); err != nil {
		return fmt.Errorf("an approval: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took = append(p.took, time.Since(began))
	return nil
}

// fetchAll fetches the tokens of what was approved. A computer that is turned away asks
// again when it is told to.
func (p *people) fetchAll(who *somebody, approved <-chan wire.DeviceAuthorization) error {
	for g := range approved {
		if err := insist(func() error { _, err := who.computer.Redeem(p.server.Host, g.DeviceCode); return err }); err != nil {
			return fmt.Errorf("an approval that was acknowledged brings no tokens: %w", err)
		}
		p.mu.Lock()
		p.ended++
		p.mu.Unlock()
	}
	return nil
}

// insist asks until it is not turned away, and waits between as it is told. The wait is
// what an obedient client sends, as its requests are, and stands for no event of the
// server's: whether the tokens come is asserted by the answer alone, however long that took.
func insist(ask func() error) error {
	for end := time.Now().Add(patience); ; {
		err := ask()
		refusal, ok := errors.AsType[*load.Refusal](err)
		if !ok || refusal.Status != http.StatusServiceUnavailable || time.Now().After(end) {
			return err
		}
		seconds, err := strconv.Atoi(refusal.RetryAfter)
		if err != nil {
			return fmt.Errorf("%w without a Retry-After: %w", refusal, err)
		}
		pause(time.Duration(seconds) * time.Second) // as it is told
	}
}

// stormLasts is how long a storm lasts in a test: long enough for every bound to be met.
const stormLasts = 3 * time.Second

// stormMemory bounds what the server may have in memory in a storm, beside what each
// connection costs.
const (
	stormMemory  = 256 << 20
	mostPerStorm = 40 << 10
)

// A server that is asked for three times what it can take sheds, and everything else
// goes on: what is taken is answered rightly, no connection is cut, nobody who approves
// is turned away, and what was acknowledged ends in tokens. Afterwards it is as before.
func TestAStormIsShedAndNobodyWhoApprovesFeelsIt(t *testing.T) {
	s := serve(t)
	c := measure(t, s, 500*time.Millisecond)
	p := newPeople(t, s, 4)
	st := newStorm(t, s, c)

	ctx, calmDown := context.WithTimeout(t.Context(), stormLasts)
	defer calmDown()
	approved := make(chan error, 1)
	go func() { approved <- p.signIn(ctx) }()
	if err := st.rage(ctx); err != nil {
		t.Error(err)
	}
	if err := <-approved; err != nil {
		t.Error(err)
	}
	taken, shed := st.tally()
	t.Logf("%.0f starts and %.0f polls a second alone; in the storm of %d connections %.0f were taken and %.0f shed a second, %d approved",
		c.starts, c.polls, len(st.conns), float64(len(taken))/stormLasts.Seconds(), float64(shed)/stormLasts.Seconds(), len(p.took))
	if len(p.took) == 0 || p.ended != len(p.took) {
		t.Errorf("%d approvals were acknowledged, and %d desktops signed in", len(p.took), p.ended)
	}
	if len(taken) == 0 {
		t.Error("nothing was taken")
	}
	if shed == 0 {
		t.Error("nothing was shed")
	}
	if most := int64(stormMemory + len(st.conns)*mostPerStorm); len(raceFlags) == 0 && resident(t, s) > most {
		t.Errorf("%d bytes of memory, want %d at most", resident(t, s), most)
	}
	measure(t, s, 500*time.Millisecond) // and none of it is shed
}

// BenchmarkOverload tells what is left of a server that is asked for three times what
// it can take: how much of its capacity it still answers, how long that takes, and how
// long people who approve have to wait.
func BenchmarkOverload(b *testing.B) {
	for b.Loop() {
		s, err := load.Launch{Binary: built, Data: b.TempDir(), Args: []string{"--limits", "off", "--log-level", "warn"}}.Start(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		c := measure(b, s, 3*time.Second)
		p := newPeople(b, s, 4)
		st := newStorm(b, s, c)
		ctx, calmDown := context.WithTimeout(b.Context(), 15*time.Second)
		approved := make(chan error, 1)
		go func() { approved <- p.signIn(ctx) }()
		began := time.Now()
		if err := errors.Join(st.rage(ctx), <-approved); err != nil {
			b.Error(err)
		}
		calmDown()
		report(b, st, p, c, time.Since(began))
		if err := s.Stop(); err != nil {
			b.Error(err)
		}
	}
}

func report(b *testing.B, st *storm, p *people, c capacity, lasted time.Duration) {
	taken, shed := st.tally()
	all, approvals := load.ResultOf(taken), load.ResultOf(p.took)
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(c.starts, "starts/s-alone")
	b.ReportMetric(c.polls, "polls/s-alone")
	b.ReportMetric(float64(len(taken))/lasted.Seconds(), "taken/s")
	b.ReportMetric(float64(shed)/lasted.Seconds(), "shed/s")
	b.ReportMetric(milliseconds(all.Quantile(0.5)), "taken-p50-ms")
	b.ReportMetric(milliseconds(all.Quantile(0.99)), "taken-p99-ms")
	b.ReportMetric(milliseconds(approvals.Quantile(0.5)), "approval-p50-ms")
	b.ReportMetric(milliseconds(approvals.Quantile(0.99)), "approval-p99-ms")
	b.ReportMetric(float64(len(p.took)), "approvals")
}
