package endurance

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/grant"
)

// workByApp signs in by the SDK, as an app on one computer that keeps its key.
func (d *desk) workByApp() {
	kept := &attic{}
	for d.town.open() {
		if s, session := d.signInByApp(kept); session != nil {
			d.useApp(s, session, kept)
		}
	}
}

// client is the app, started anew on a computer of that name.
func (d *desk) client(name string, polls bool) *desktop.Client {
	c, err := desktop.New(desktop.Config{
		Issuer: d.town.issuer, ClientID: homeApp, Device: desktop.Device{Name: name}, DisablePush: polls,
	})
	if err != nil {
		d.town.fault("configure the SDK: %v", err)
	}
	return c
}

// signInByApp is one sign-in, with push or without. The session is nil when none came
// of it.
func (d *desk) signInByApp(kept *attic) (*signIn, *desktop.Session) {
	l := d.town.ledger
	s := l.open(d.name(), app, d.wish(app))
	c := d.client(s.name, d.chance.IntN(3) == 0)
	if _, err := c.Restore(context.Background(), kept); !errors.Is(err, desktop.ErrNoSession) {
		d.town.fault("%s: restore where no session is kept: %v", s.name, err)
	}
	login, err := c.Start(context.Background())
	if err != nil {
		d.notStarted(s, err)
		return s, nil
	}
	l.tell(s, begun)
	l.ask(s, signedIn)
	m := d.offer(s, func() string { return login.Current().Link() })
	session, err := login.Wait(context.Background())
	<-m.decided
	if err != nil {
		d.notSignedIn(s, err)
		<-login.Done()
		l.settle(s)
		return s, nil
	}
	return s, session
}

// notStarted is a start that the server did not answer.
func (d *desk) notStarted(s *signIn, err error) {
	var op *net.OpError
	switch {
	case !errors.Is(err, desktop.ErrOffline):
		d.town.fault("%s: start: %v", s.name, err)
	case errors.As(err, &op) && op.Op == "dial":
		d.town.ledger.drop(s)
	default:
		d.town.ledger.settle(s)
	}
	pause(retryPause)
}

// notSignedIn is how a login may end. That an interrupted one could not be repeated
// because the time for it was over, the database has to confirm.
func (d *desk) notSignedIn(s *signIn, err error) {
	l := d.town.ledger
	switch {
	case errors.Is(err, desktop.ErrDenied) && l.fate(s, denied) != never:
	case errors.Is(err, desktop.ErrInterrupted):
		l.interrupt(s, time.Now())
		l.ask(s, signedOut)
		l.count(repeatsTooLate)
	default:
		d.town.fault("%s: the login ended: %v", s.name, err)
	}
}

// useApp uses the session, has the app start anew a few times when its token has run
// out, and signs it out or not.
func (d *desk) useApp(s *signIn, session *desktop.Session, kept *attic) {
	l := d.town.ledger
	defer l.settle(s)
	tok, err := session.Token()
	if err != nil || !l.tokens(s, sessionOf(tok.AccessToken)) {
		d.town.fault("%s: the session's first token: %v", s.name, err)
		return
	}
	if err := session.Save(kept); err != nil {
		d.town.fault("%s: keep the session: %v", s.name, err)
	}
	defer kept.loseSession()
	for range d.chance.IntN(3) {
		if session = d.restart(s, kept); session == nil {
			return
		}
	}
	if !d.greets(s, session) || d.chance.IntN(4) == 0 {
		return
	}
	l.ask(s, signedOut)
	switch err := session.SignOut(context.Background()); {
	case err == nil:
		l.tell(s, signedOut)
	case !errors.Is(err, desktop.ErrOffline):
		d.town.fault("%s: sign out: %v", s.name, err)
	}
}

// greets asks who is signed in, and again as long as there is no answer.
func (d *desk) greets(s *signIn, session *desktop.Session) bool {
	for {
		_, err := session.UserInfo(context.Background())
		switch {
		case err == nil:
			return true
		case !errors.Is(err, desktop.ErrOffline):
			d.town.fault("%s: who is signed in: %v", s.name, err)
			return false
		}
		pause(retryPause)
	}
}

// restart is the app's next start after a time in which its access token has run out:
// the session is renewed. It is nil when the session is over.
func (d *desk) restart(s *signIn, kept *attic) *desktop.Session {
	l, began := d.town.ledger, time.Now()
	before := kept.age()
	l.ask(s, refreshed)
	session, err := d.client(s.name, true).Restore(context.Background(), kept)
	for err == nil {
		tok, fault := session.Token()
		if fault == nil && tok.AccessToken == before {
			d.town.fault("%s: an old token was not renewed", s.name)
		}
		if fault == nil {
			l.tell(s, refreshed)
			return session
		}
		if !errors.Is(fault, desktop.ErrOffline) {
			err = fault
		}
		pause(retryPause)
	}
	if time.Since(began) < grant.RepeatFor {
		d.town.fault("%s: the session was lost in %v: %v", s.name, time.Since(began), err)
	}
	l.count(repeatsTooLate)
	l.ask(s, reused)
	return nil
}

// attic is where an app keeps things, in memory.
type attic struct {
	mu     sync.Mutex
	things map[string][]byte // guarded by mu
}

var _ desktop.Store = (*attic)(nil)

func (a *attic) Load(key string) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if data, ok := a.things[key]; ok {
		return data, nil
	}
	return nil, desktop.ErrNotFound
}

func (a *attic) Save(key string, data []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.things == nil {
		a.things = map[string][]byte{}
	}
	a.things[key] = data
	return nil
}

func (a *attic) Delete(key string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.things, key)
	return nil
}

// sessionMember is what a kept session has and a kept key has not.
const sessionMember = "access_token"

// each calls do with the sessions that are kept; what do leaves nil is lost.
func (a *attic) each(do func(record map[string]any) map[string]any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, data := range a.things {
		var record map[string]any
		if json.Unmarshal(data, &record) != nil || record[sessionMember] == nil {
			continue
		}
		if record = do(record); record == nil {
			delete(a.things, key)
			continue
		}
		a.things[key], _ = json.Marshal(record) // it was JSON
	}
}

// age has the kept access token run out, and returns it.
func (a *attic) age() (access string) {
	a.each(func(record map[string]any) map[string]any {
		access, _ = record[sessionMember].(string)
		record["expiry"] = time.Now().Add(-time.Minute)
		return record
	})
	return access
}

// loseSession drops the session, but not the key.
func (a *attic) loseSession() { a.each(func(map[string]any) map[string]any { return nil }) }
