package login

import (
	"net/netip"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// record writes the event into the audit log, in the transaction that it tells of.
func (s *Service) record(tx store.Tx, e auth.Event) error {
	if e.UserID != "" && e.UserName == "" {
		if u, err := tx.User(e.UserID); err == nil {
			e.UserName = u.Name
		}
	}
	if e.Place == "" {
		e.Place = s.placeOf(e.DesktopOrigin).Name
	}
	return s.Record.Record(tx, s.wall(), e)
}

// noise is how often what strangers can repeat at will is recorded, by its type and
// what it is about: the log is kept for good.
var noise = ratelimit.Rate{Count: 1, Per: auth.MaxLifetime}

// recordOnce is record for such things: once for each grant, or for each address where
// there is none, as far as this process remembers.
func (s *Service) recordOnce(tx store.Tx, e auth.Event) error {
	about := string(e.GrantID)
	if about == "" {
		about = ratelimit.AddressKey(e.Address)
	}
	if s.noise.Take(s.now(), string(e.Type)+" "+about) > 0 {
		return nil
	}
	return s.record(tx, e)
}

// about is the event with the sign-in that it is about.
func about(e auth.Event, g grant.Grant) auth.Event {
	e.ClientID, e.GrantID = g.ClientID, g.ID
	e.UserID, e.DesktopOrigin, e.DeviceName, e.KeyThumbprint = g.UserID, g.Origin, g.Device.Name, g.KeyThumbprint
	return e
}

// of is the event with the person whom it is about.
func of(e auth.Event, u auth.User) auth.Event {
	e.UserID, e.UserName = u.ID, u.Name
	return e
}

// aboutSession is the event with the desktop that it is about.
func aboutSession(e auth.Event, session auth.Session) auth.Event {
	e.ClientID, e.GrantID, e.SessionID, e.UserID = session.ClientID, session.GrantID, session.ID, session.UserID
	e.DesktopOrigin, e.DeviceName, e.KeyThumbprint = session.Origin, session.Device.Name, session.KeyThumbprint
	return e
}

// judged is the event with what led to it.
func judged(e auth.Event, a risk.Assessment) auth.Event {
	e.Risk, e.Reasons = string(a.Level), a.Words()
	return e
}

// byDesktop is something that a client's software did, from that address.
func byDesktop(t auth.EventType, from netip.Addr) auth.Event {
	return auth.Event{Type: t, Actor: auth.ActorDesktop, Personal: auth.Personal{Address: from}}
}
