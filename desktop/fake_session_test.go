package desktop_test

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// knows reports whether an access token is a living session's.
func (f *fake) knows(access string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.family.over && time.Now().Before(f.family.access[access])
}

// ofSession is the snapshot of the one session.
func (f *fake) ofSession() wire.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.family.over {
		return wire.Snapshot{Seq: f.seq, State: wire.StateSignedOut}
	}
	return wire.Snapshot{Seq: f.seq, State: wire.StateSignedIn, ExpiresIn: int(fakeLife.Seconds())}
}

// signsOut ends the session on the phone, and tells every socket.
func (f *fake) signsOut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.family.over = true
	f.seq++
	f.tellAll()
}

// timesOut ends the session because its time is over, and tells every socket.
func (f *fake) timesOut() { f.signsOut() }

// signsOutUnheard ends the session and tells nobody.
func (f *fake) signsOutUnheard() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.family.over = true
}

// forgets makes the server know no access token of the session anymore.
func (f *fake) forgets() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.family.access)
}

// watched is how many sockets of sessions were opened.
func (f *fake) watched() (tokens []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, hello := range f.hellos {
		if hello.AccessToken != "" {
			tokens = append(tokens, hello.AccessToken)
		}
	}
	return tokens
}
