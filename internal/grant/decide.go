package grant

import (
	"crypto/subtle"
	"errors"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Scan notes that a page with this grant on it was opened: a soft fact, which
// binds nobody. A second browser that does so is noted for good, until the grant is
// decided; what else is past pending is returned as it is.
func (g Grant) Scan(now time.Time, browser auth.BrowserID) (Grant, error) {
	if err := g.refusal(now); err != nil {
		return g, err
	}
	opened := g.opened(browser)
	if g.State == Pending {
		opened.State = Scanned
	}
	if opened.State == g.State && opened.OpenedBy == g.OpenedBy && opened.OpenedTwice == g.OpenedTwice {
		return g, nil
	}
	return opened.changed(), nil
}

// opened is the grant with the browser among those that have opened it.
func (g Grant) opened(browser auth.BrowserID) Grant {
	switch {
	case browser == "":
	case g.OpenedBy == "":
		g.OpenedBy = browser
	case g.OpenedBy != browser && !g.OpenedTwice:
		g.OpenedTwice, g.OpenedLate = true, g.ClaimedBy != ""
	}
	return g
}

// Claim binds the grant to one browser and opens a passkey ceremony in it. The
// same browser may claim again, which voids the earlier challenge; any other
// gets ErrClaimed. ErrVerifying when the passkey was proved already.
func (g Grant) Claim(now time.Time, browser auth.BrowserID, challenge []byte) (Grant, error) {
	if err := g.refusal(now); err != nil {
		return g, err
	}
	if g.claimedElsewhere(browser) {
		return g, ErrClaimed
	}
	if g.State == Verifying {
		return g, ErrVerifying
	}
	g = g.opened(browser)
	g.State, g.ClaimedBy, g.Challenge = Confirming, browser, challenge
	return g.changed(), nil
}

// Answer consumes the open challenge, whatever comes of the answer to it: it
// returns the grant without it, and the challenge. ErrNotClaimed when this
// browser has none open.
func (g Grant) Answer(now time.Time, browser auth.BrowserID) (Grant, []byte, error) {
	if err := g.refusal(now); err != nil {
		return g, nil, err
	}
	if g.claimedElsewhere(browser) {
		return g, nil, ErrClaimed
	}
	if g.State != Confirming || len(g.Challenge) == 0 {
		return g, nil, ErrNotClaimed
	}
	challenge := g.Challenge
	g.Challenge = nil
	return g.changed(), challenge, nil
}

// Approve ends the ceremony in the person's favour. The caller has just
// consumed the challenge with Answer and verified the passkey, in this same
// transaction. What is left of the scopes is all that the desktop will have.
func (g Grant) Approve(now time.Time, browser auth.BrowserID, user auth.UserID, scopes auth.Scopes) (Grant, error) {
	return g.proved(now, Approved, browser, user, scopes)
}

// AwaitNumber is Approve for a grant that needs more than a passkey: it is approved
// when its desktop brings the number, with Confirm.
func (g Grant) AwaitNumber(now time.Time, browser auth.BrowserID, user auth.UserID, scopes auth.Scopes, number string) (Grant, error) {
	if g.ForBrowser() || number == "" {
		return g, ErrNotClaimed
	}
	after, err := g.proved(now, Verifying, browser, user, scopes)
	if err != nil {
		return g, err
	}
	after.Number, after.Tries = number, 0
	return after, nil
}

func (g Grant) proved(now time.Time, next State, browser auth.BrowserID, user auth.UserID, scopes auth.Scopes) (Grant, error) {
	if err := g.refusal(now); err != nil {
		return g, err
	}
	if g.claimedElsewhere(browser) {
		return g, ErrClaimed
	}
	if g.State != Confirming || g.Challenge != nil || user == "" || !scopes.Within(g.Scopes) {
		return g, ErrNotClaimed
	}
	g.State, g.UserID, g.DecidedAt, g.Scopes = next, user, now, scopes
	return g.changed(), nil
}

// NumberTries is how many numbers a desktop may try before the grant is denied.
const NumberTries = 3

// Confirm ends a grant that awaits a number by the one that was typed on its
// desktop. With ErrNumber the grant that comes back has one try less, and after the
// last it is denied. ErrNoNumber when none is awaited.
func (g Grant) Confirm(now time.Time, client auth.ClientID, number string) (Grant, error) {
	if g.ClientID != client {
		return g, ErrForeign
	}
	if err := g.refusal(now); err != nil {
		return g, err
	}
	if g.State != Verifying {
		return g, ErrNoNumber
	}
	if subtle.ConstantTimeCompare([]byte(number), []byte(g.Number)) == 1 {
		g.State, g.Number = Approved, ""
		return g.changed(), nil
	}
	if g.Tries++; g.Tries >= NumberTries {
		g.State, g.Number = Denied, ""
	}
	return g.changed(), ErrNumber
}

// TriesLeft is how many numbers may still be tried.
func (g Grant) TriesLeft() int { return max(0, NumberTries-g.Tries) }

// NumberFailed reports that wrong numbers ended the grant, and no person.
func (g Grant) NumberFailed() bool { return g.State == Denied && g.Tries >= NumberTries }

// Deny ends the grant for the person. It is open to the browser that claimed
// the grant, and to the first one to answer when none has.
func (g Grant) Deny(now time.Time, browser auth.BrowserID) (Grant, error) {
	if err := g.refusal(now); err != nil {
		return g, err
	}
	if browser == "" {
		return g, ErrNotClaimed
	}
	if g.claimedElsewhere(browser) {
		return g, ErrClaimed
	}
	g.State, g.ClaimedBy, g.Challenge, g.Number, g.DecidedAt = Denied, browser, nil, "", now
	return g.changed(), nil
}

// Cancel ends the grant for the desktop that began it. Cancelling twice is no error.
func (g Grant) Cancel(now time.Time, client auth.ClientID) (Grant, error) {
	if g.ClientID != client {
		return g, ErrForeign
	}
	if g.State == Cancelled {
		return g, nil
	}
	if err := g.refusal(now); err != nil {
		return g, err
	}
	g.State, g.Challenge, g.Number, g.DecidedAt = Cancelled, nil, "", now
	return g.changed(), nil
}

// Redeem spends the device code (RFC 8628 section 3.4 and 3.5), once, for the
// client that began the grant. ErrPending while the person has not decided, and
// ErrVerifying, which is one too, while only the number is awaited.
func (g Grant) Redeem(now time.Time, client auth.ClientID) (Grant, error) {
	if g.ClientID != client || g.ForBrowser() {
		return g, ErrForeign
	}
	if g.StateAt(now) != Approved {
		if err := g.refusal(now); err != nil {
			return g, err
		}
		if g.State == Verifying {
			return g, ErrVerifying
		}
		return g, ErrPending
	}
	g.State, g.RedeemedAt = Redeemed, now
	return g.changed(), nil
}

// Void ends a grant that may not be decided or redeemed any more, because the
// person or the client went away meanwhile. It then reads as denied, by nobody. A
// grant that is over is returned as it is, but not one from the future: where it began,
// at a server that goes on ahead of a clock that was set back, it may be alive.
func (g Grant) Void(now time.Time) Grant {
	if now.Before(g.CreatedAt) {
		now = g.CreatedAt
	}
	if err := g.refusal(now); err != nil && !errors.Is(err, ErrApproved) {
		return g
	}
	g.State, g.ClaimedBy, g.Challenge, g.Number, g.UserID, g.DecidedAt = Denied, "", nil, "", "", now
	return g.changed()
}

// VoidAll are those of the grants that Void changes, as they are then.
func VoidAll(now time.Time, grants []Grant) (voided []Grant) {
	for _, g := range grants {
		if after := g.Void(now); after.Seq != g.Seq {
			voided = append(voided, after)
		}
	}
	return voided
}

// Voided reports that Void ended the grant, and no person.
func (g Grant) Voided() bool { return g.State == Denied && g.ClaimedBy == "" }

func (g Grant) claimedElsewhere(browser auth.BrowserID) bool {
	return browser == "" || g.ClaimedBy != "" && g.ClaimedBy != browser
}

// ClaimedElsewhere reports whether a browser other than this one has claimed the grant.
func (g Grant) ClaimedElsewhere(browser auth.BrowserID) bool {
	return g.ClaimedBy != "" && g.ClaimedBy != browser
}
