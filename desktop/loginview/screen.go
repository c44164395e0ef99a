package loginview

import (
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

// stage is how far the view is, beside what the server says of the login.
type stage int

const (
	stageIdle stage = iota
	stageStarting
	stageLive
	stageWelcome
	stageOver
)

// moment is all that a view knows. What to show follows from it.
type moment struct {
	stage    stage
	update   desktop.Update // the newest, in stageLive and after
	offered  bool           // the server can sign in in this computer's browser
	unopened bool           // and that has not opened by itself
	checking bool           // a number is with the server
	miss     miss           // what came of the number before
	name     string         // whom to welcome
	err      error          // how it ended, in stageOver
}

// miss is how a number that was typed failed to sign in.
type miss int

const (
	missNone  miss = iota
	missWrong      // it was not the one on the phone
	missLost       // nobody knows
)

// picture is what stands in the middle.
type picture int

const (
	pictureCode picture = iota // the QR code, perhaps faded, perhaps with a badge on it
	pictureBadge
)

// tone is the colour of a badge.
type tone int

const (
	toneAccent tone = iota
	toneGood
	toneBad
	toneQuiet
)

// deed is what a button does.
type deed int

const (
	deedNone deed = iota
	deedStart
	deedCopy
	deedHere   // go on in this computer's browser
	deedReopen // that browser once more
	deedCancel
)

// screen is what a person sees.
type screen struct {
	title   string
	picture picture
	link    string // what the QR code holds, none for an empty plate
	faded   bool   // the QR code, to 15 %
	badge   icon   // on the QR code or in its place
	tone    tone
	lead    string
	big     bool // the lead, as an ending
	note    string
	alarm   bool   // the note is what went wrong just now
	detail  string // for an operator's eyes, to be copied

	number bool // two boxes for it
	busy   bool // it is being checked

	address   string // to type, beside the code
	codeLabel string
	code      string
	deadline  time.Time // counted down beside the code

	button string
	deed   deed
	main   bool   // the button is the one thing to do
	copy   string // what deedCopy copies

	second     string // the quiet button below it
	secondDeed deed

	host    string // who is asked
	offline bool
	offered bool // there is room for the quiet button while a code is shown
}

// screenOf is the whole of the view's judgement.
func screenOf(m moment, w Words, app string) screen {
	host := hostOf(m)
	say := func(sentence string) string {
		named := app
		if named == "" {
			named = w.ThisApp
		}
		text := fill(sentence, named, m.name, host)
		return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):]
	}
	s := screen{title: say(w.Title), host: host, offered: m.offered}
	if app == "" {
		s.title = w.TitleUnnamed
	}
	switch m.stage {
	case stageIdle:
		s.picture, s.badge, s.lead, s.big, s.note = pictureBadge, iconPhone, w.Idle, true, w.IdleNote
		s.button, s.deed, s.main = w.ShowCode, deedStart, true
	case stageStarting:
		s.lead = w.Starting
	case stageLive:
		live(&s, m, w)
	case stageWelcome:
		s.title = ""
		s.picture, s.badge, s.tone, s.big = pictureBadge, iconCheck, toneGood, true
		s.lead, s.note = say(w.Welcome), say(w.WelcomeNote)
		if m.name == "" {
			s.lead = w.WelcomeUnnamed
		}
	case stageOver:
		s.big, s.main, s.deed, s.button = true, true, deedStart, w.TryAgain
		over(&s, m, w, say)
	}
	return s
}

// live shows a login under way.
func live(s *screen, m moment, w Words) {
	u := m.update
	if u.Here {
		liveHere(s, m, w)
		return
	}
	s.link, s.code, s.offline, s.copy = u.Link(), u.UserCode, u.Offline, u.Link()
	switch u.State {
	case desktop.StatePending:
		if m.offered {
			s.second, s.secondDeed = w.Here, deedHere
		}
		s.lead = w.Scan
		s.address, s.codeLabel, s.deadline = shortAddress(u.VerificationURI), w.AndEnter, u.CodeExpires
		s.button, s.deed = w.CopyLink, deedCopy
	case desktop.StateApproved, desktop.StateRedeemed:
		s.faded, s.badge, s.tone, s.lead, s.code = true, iconCheck, toneGood, w.Approved, ""
	case desktop.StateVerifying:
		liveNumber(s, m, w)
	default: // a phone is at it: the code stays in sight, because the phone asks for a comparison
		s.faded, s.badge, s.lead = true, iconPhone, w.Confirm
		s.codeLabel, s.deadline = w.YourCode, u.Expires
		s.button, s.deed = w.NewCode, deedStart
	}
}

// liveNumber asks for the number. The phone has the person's eyes now and asks for no
// comparison, so there is nothing else.
func liveNumber(s *screen, m moment, w Words) {
	s.picture, s.badge, s.link, s.code = pictureBadge, iconPhone, "", ""
	s.number, s.busy, s.lead, s.note = true, m.checking, w.Verify, w.VerifyNote
	s.button, s.deed = w.Cancel, deedCancel
	switch {
	case m.checking:
		s.note = w.Checking
	case m.miss == missWrong:
		s.note, s.alarm = w.wrongNumber(m.update.TriesLeft), true
	case m.miss == missLost:
		s.note, s.alarm = w.NumberLost, true
	}
}

// liveHere shows a login in this computer's browser. Its link is not for phones, so
// the plate stays empty.
func liveHere(s *screen, m moment, w Words) {
	s.offline, s.copy, s.badge = m.update.Offline, m.update.Link(), iconScreen
	switch {
	case m.update.State != desktop.StatePending:
		s.badge, s.tone, s.lead = iconCheck, toneGood, w.Approved
	case m.unopened:
		s.lead, s.note, s.button, s.deed, s.main = w.NoBrowser, w.NoBrowserNote, w.CopyLink, deedCopy, true
	default:
		s.lead, s.note, s.button, s.deed = w.HereLead, w.HereNote, w.HereAgain, deedReopen
	}
	if m.update.State == desktop.StatePending {
		s.second, s.secondDeed = w.UsePhone, deedStart
	}
}

// over shows how a login ended, and what to do next.
func over(s *screen, m moment, w Words, say func(string) string) {
	s.picture, s.tone = pictureBadge, toneQuiet
	if m.update.Here && overHere(s, m.err, w) {
		return
	}
	var refused *desktop.OAuthError
	switch {
	case errors.Is(m.err, desktop.ErrWrongNumber):
		s.badge, s.tone, s.lead, s.note = iconCross, toneBad, w.NumbersDiffer, w.Nobody
	case errors.Is(m.err, desktop.ErrDenied):
		s.badge, s.tone, s.lead, s.note = iconCross, toneBad, w.Denied, w.Nobody
	case errors.Is(m.err, desktop.ErrExpired):
		s.picture, s.link, s.faded = pictureCode, m.update.Link(), true
		s.badge, s.lead, s.note, s.button = iconClock, w.Expired, w.ExpiredNote, w.NewCode
	case errors.Is(m.err, desktop.ErrCancelled):
		s.badge, s.lead, s.note = iconCross, w.Cancelled, w.Nobody
	case errors.Is(m.err, desktop.ErrInterrupted):
		s.badge, s.lead, s.note = iconNotice, w.Interrupted, w.InterruptedNote
	case errors.As(m.err, new(*desktop.BusyError)):
		s.badge, s.lead, s.note = iconClock, w.Busy, w.BusyNote
	case errors.Is(m.err, desktop.ErrOffline):
		s.badge, s.lead, s.note = iconCloud, say(w.Unreachable), w.UnreachableNote
		if s.host == "" {
			s.lead = w.UnreachableUnnamed
		}
	case errors.As(m.err, &refused):
		s.badge, s.lead, s.note, s.detail = iconNotice, say(w.Refused), w.RefusedNote, m.err.Error()
	default:
		s.badge, s.lead, s.note, s.detail = iconNotice, w.Broken, w.BrokenNote, m.err.Error()
	}
}

// overHere shows the endings for which a browser has other words than a phone, and
// reports whether it was one.
func overHere(s *screen, err error, w Words) bool {
	switch {
	case errors.Is(err, desktop.ErrDenied):
		s.badge, s.tone, s.lead, s.note = iconCross, toneBad, w.DeniedHere, w.Nobody
	case errors.Is(err, desktop.ErrExpired):
		s.badge, s.lead, s.note = iconClock, w.ExpiredHere, w.ExpiredHereNote
	case errors.Is(err, desktop.ErrInterrupted):
		s.badge, s.lead, s.note = iconNotice, w.Interrupted, w.InterruptedHereNote
	default:
		return false
	}
	return true
}

// spoken is the screen for somebody who can't see it.
func (s screen) spoken(w Words) string {
	words := []string{s.lead, s.note, s.detail}
	if s.alarm {
		words[0], words[1] = s.note, s.lead
	}
	if s.offline {
		words = append([]string{w.Reconnecting}, words...)
	}
	if s.address != "" {
		words = append(words, w.OrOpen+" "+s.address)
	}
	if s.code != "" {
		words = append(words, s.codeLabel+" "+w.spell(s.code))
	}
	var said []string
	for _, word := range words {
		if word = strings.TrimSpace(strings.TrimSuffix(word, ".")); word != "" {
			said = append(said, word)
		}
	}
	return strings.Join(said, ". ")
}

// shortAddress is a link as people type it: without the scheme that browsers add.
func shortAddress(link string) string {
	short := strings.TrimPrefix(link, "https://")
	if u, err := url.Parse(link); err == nil && u.Scheme == "http" {
		short = strings.TrimPrefix(link, "http://")
	}
	return strings.TrimSuffix(short, "/")
}

// hostOf is who is asked: by the address on the screen, or else by the address
// that a failed request went to.
func hostOf(m moment) string {
	link := m.update.VerificationURI
	var request *url.Error
	if link == "" && errors.As(m.err, &request) {
		link = request.URL
	}
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	if h, _, err := net.SplitHostPort(u.Host); err == nil && !local(h) {
		return h
	}
	return u.Host
}

// local reports whether a name means this computer, where only the port tells
// servers apart.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
