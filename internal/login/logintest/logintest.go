// Package logintest is a small world for tests of the floors above the store: a
// login service on a real SQLite file, a clock that the test sets, a client, and
// phones that hold passkeys.
package logintest

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/clock"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

// App is the client that every world has: public, verified, with the default scopes.
const App auth.ClientID = "acme-studio"

// World is a login service with all that it needs.
type World struct {
	*login.Service
	Issuer *url.URL
	Clock  *Clock
	t      testing.TB
}

// New makes a world, which ends with the test. Registration is open in it.
func New(t testing.TB) *World {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "qrauthd.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	issuer := &url.URL{Scheme: "http", Host: "localhost:8080"}
	rp, err := passkey.New(issuer, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	system := new(Clock)
	w := &World{
		Service: login.New(login.Config{
			Issuer: issuer.String(), Store: db, Passkeys: rp, Hub: new(push.Hub), Clock: clock.New(system.Read), OpenRegistration: true,
		}),
		Issuer: issuer, Clock: system, t: t,
	}
	w.AddClient(auth.Client{ID: App, Name: "Acme Studio", Verified: true})
	return w
}

// AddClient adds a client. Scopes, authentication, lifetime and interval have defaults.
func (w *World) AddClient(c auth.Client) auth.Client {
	w.t.Helper()
	if c.Scopes == nil {
		c.Scopes = auth.DefaultScopes()
	}
	if c.AuthMethod == "" {
		c.AuthMethod = auth.AuthNone
	}
	if c.Lifetime == 0 {
		c.Lifetime = auth.DefaultLifetime
	}
	if c.Interval == 0 {
		c.Interval = auth.DefaultInterval
	}
	c.CreatedAt = w.Clock.Now().UTC().Truncate(time.Microsecond)
	w.Update(func(tx store.Tx) error { return tx.AddClient(c) })
	return c
}

// Update runs a transaction that the test takes for granted.
func (w *World) Update(fn func(store.Tx) error) {
	w.t.Helper()
	if err := w.Store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatalf("setting up: %v", err)
	}
}

// Restart is the server when it runs again: on the same store and the same machine,
// with what it held in memory gone.
func (w *World) Restart() *login.Service {
	c := w.Config
	c.Keys, c.Hub, c.Clock = nil, new(push.Hub), clock.New(w.Clock.Read)
	return login.New(c)
}

// Node is another server on the same store, with the same clock.
func (w *World) Node() *login.Service {
	c := w.Config
	c.Keys, c.Hub = nil, new(push.Hub)
	return login.New(c)
}

// Sessions are those of the person.
func (w *World) Sessions(p *Person) (list []auth.Session) {
	w.t.Helper()
	w.Update(func(tx store.Tx) (err error) { list, err = tx.SessionsOf(p.User.ID); return err })
	return list
}

// Audited is the audit log.
func (w *World) Audited() (records []auth.AuditRecord) {
	w.t.Helper()
	w.Update(func(tx store.Tx) (err error) { records, err = tx.Audit(0, 1000); return err })
	return records
}

// Start begins a grant of the client, at home.
func (w *World) Start(id auth.ClientID) (grant.Grant, secret.Text) {
	w.t.Helper()
	return w.StartFrom(id, Home, NoKey)
}

// StartFrom begins a grant of the client for a desktop there, with that key.
func (w *World) StartFrom(id auth.ClientID, origin netip.Addr, k dpop.Key) (grant.Grant, secret.Text) {
	w.t.Helper()
	c, err := w.Client(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	r := login.StartRequest{
		Client: c,
		Device: auth.Device{Name: "ALICE-PC", Platform: "Windows", AppVersion: "1.2"},
		Origin: origin,
	}
	if !k.IsZero() {
		r.KeyThumbprint = k.Thumbprint()
	}
	g, code, err := w.Service.Start(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return g, code
}

// Person is somebody with a passkey on a phone's browser.
type Person struct {
	*passkeytest.Phone
	User          auth.User
	Browser       auth.BrowserID
	RecoveryCodes []secret.Text
}

// Home is the address of every desktop, and Couch that of every phone, on the same
// network; Away is on another one.
var (
	Home  = netip.MustParseAddr("192.0.2.7")
	Couch = netip.MustParseAddr("192.0.2.8")
	Away  = netip.MustParseAddr("198.51.100.9")
)

// At is a browser on the couch.
func At(browser auth.BrowserID) login.Visitor {
	return login.Visitor{Browser: browser, Address: Couch}
}

// Visitor is the person's phone, on the couch.
func (p *Person) Visitor() login.Visitor { return At(p.Browser) }

// From is the person's phone at that address.
func (p *Person) From(a netip.Addr) login.Visitor {
	return login.Visitor{Browser: p.Browser, Address: a}
}

// Join makes an account with a passkey.
func (w *World) Join(name string) *Person {
	w.t.Helper()
	p := &Person{Phone: passkeytest.NewPhone(w.t, w.Issuer), Browser: auth.BrowserID(name + "'s phone")}
	handle, options, err := w.BeginJoin(w.t.Context(), p.Browser, login.JoinRequest{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	joined, err := w.FinishJoin(w.t.Context(), p.Visitor(), handle, p.Create(options))
	if err != nil {
		w.t.Fatal(err)
	}
	p.User, p.RecoveryCodes = joined.User, joined.RecoveryCodes
	return p
}

// Begin has the person tap Approve, and returns what the phone is asked for.
func (w *World) Begin(p *Person, id auth.GrantID) passkey.Options {
	w.t.Helper()
	options, err := w.BeginApproval(w.t.Context(), p.Visitor(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return options
}

// Approve has the person approve the grant, on the couch.
func (w *World) Approve(p *Person, id auth.GrantID) {
	w.t.Helper()
	w.ApproveFrom(p, p.Visitor(), id)
}

// ApproveFrom has the person approve the grant there, and its desktop bring the number
// if one is awaited.
func (w *World) ApproveFrom(p *Person, v login.Visitor, id auth.GrantID) {
	w.t.Helper()
	options, err := w.BeginApproval(w.t.Context(), v, id)
	if err != nil {
		w.t.Fatal(err)
	}
	approval, err := w.FinishApproval(w.t.Context(), v, id, p.Get(options))
	if err != nil {
		w.t.Fatal(err)
	}
	g := approval.Grant
	if g.State != grant.Verifying {
		return
	}
	if _, err := w.ConfirmNumber(w.t.Context(), g.ClientID, id, g.Number, g.Origin); err != nil {
		w.t.Fatal(err)
	}
}

// Fetch has a desktop of the client, whose key is k, redeem its device code.
func (w *World) Fetch(id auth.ClientID, k dpop.Key, code secret.Text) login.Tokens {
	w.t.Helper()
	t, err := w.Redeem(w.t.Context(), w.Request(id, k), code)
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// Clock is the machine's clocks, moved on by the test. They run until they are stopped.
type Clock struct {
	mu      sync.Mutex
	ahead   time.Duration // guarded by mu
	set     time.Duration // guarded by mu; the wall clock alone
	stopped time.Time     // guarded by mu; zero: it runs
}

// Now is what the wall clock shows, by which everybody else lives as well.
func (c *Clock) Now() time.Time { return c.Read().Wall }

// Read reads both clocks.
func (c *Clock) Read() clock.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.stopped.IsZero() {
		now = c.stopped
	}
	now = now.Add(c.ahead)
	return clock.Reading{Wall: now.Add(c.set).Round(0), Elapsed: now.Sub(boot)}
}

// boot is before any test.
var boot = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Stop has the time stand still but for Advance, for tests at the edge of a term.
// It stands at the next whole second, which is what tokens and proofs tell.
func (c *Clock) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = time.Now().Truncate(time.Second).Add(time.Second)
}

// Set sets the wall clock by so much, as people and time servers do. The monotonic
// clock knows nothing of it.
func (c *Clock) Set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set += d
}

// Advance has time pass, for both clocks.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}
