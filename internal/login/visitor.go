package login

import (
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Visitor is a phone's browser, and the address that its request came from.
type Visitor struct {
	Browser auth.BrowserID
	Address netip.Addr
}

// event is something that a person did in the browser.
func (v Visitor) event(t auth.EventType) auth.Event {
	return auth.Event{
		Type: t, Actor: auth.ActorPerson,
		Personal: auth.Personal{Browser: v.Browser, Address: v.Address},
	}
}
