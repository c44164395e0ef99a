package login

import (
	"net/url"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// presence is whether the person who approved in a browser is at the computer whose
// app takes the code: the two should be one, and somebody may have been talked into
// carrying the code over.
type presence int

const (
	notTold   presence = iota // a device's sign-in, or a web site's, whose server takes the code
	present                   // browser and app are on one network
	uncertain                 // it cannot be told
	elsewhere                 // they are on different networks
)

// presenceOf compares the app's address, which the request comes from, with the browser's.
func (s *Service) presenceOf(r TokenRequest, g grant.Grant) presence {
	if !g.ForBrowser() || forSite(g.Redirect.URI) {
		return notTold
	}
	switch risk.Compare(s.spotOf(r.Address), s.spotOf(g.Origin)) {
	case risk.Same:
		return present
	case risk.Other:
		return elsewhere
	}
	return uncertain
}

// forSite reports whether a web site takes the code, and no app on the person's own
// computer, by a loopback address or a scheme of its own (RFC 8252 section 7).
func forSite(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	return err == nil && u.Scheme == "https"
}

// carriedOver reports whether the code came to another network than its browser's,
// where that is a risk that would take more than a passkey.
func (s *Service) carriedOver(r TokenRequest, g grant.Grant) bool {
	return s.presenceOf(r, g) == elsewhere && s.Policies.Of(r.Client).Medium != auth.DemandPasskey
}

// learn remembers what the sign-in has taught, where it is sure whose computer it was.
func (s *Service) learn(tx store.Tx, d draft) error {
	switch d.presence {
	case notTold:
		return s.meetAll(tx, d.session)
	case present:
		return s.meetAll(tx, d.session, ownKeys(d.session)...)
	}
	return nil
}

// noteMismatch records that somebody had an authorization code without all that
// belongs to it.
func (s *Service) noteMismatch(tx store.Tx, r TokenRequest, g grant.Grant, why error) error {
	e := about(byDesktop(auth.EventRefused, r.Address), g)
	e.Note = why.Error()
	return s.record(tx, e)
}
