package phone

import (
	"io"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// maxAnswer bounds a JSON body: a passkey's answer, in bytes.
const maxAnswer = 64 << 10

// confirm shows a grant that this browser has opened, whatever its state.
func (f *Face) confirm(w http.ResponseWriter, r *http.Request) error {
	b := f.browser(r)
	sight, err := f.look(r, b)
	if err != nil {
		return err
	}
	f.show(w, r, http.StatusOK, f.pageOf(b, sight))
	return nil
}

// pageOf is the page of a grant for this browser.
func (f *Face) pageOf(b browser, s login.Sight) mobileweb.Page {
	g := s.Grant
	app, computer := s.Client.Name, g.Device.Name
	mine := g.ClaimedBy != "" && g.ClaimedBy == b.id()
	open := s.State == grant.Pending || s.State == grant.Scanned || s.State == grant.Confirming && mine
	if page, ok := returned(b, s); ok {
		return page
	}
	switch {
	case s.State == grant.Expired:
		return mobileweb.Expired{AppName: app, DeviceName: computer}
	case s.State == grant.Cancelled:
		return mobileweb.Cancelled{AppName: app, DeviceName: computer}
	case g.Voided(), s.Client.ID == "":
		return mobileweb.Ended{AppName: app, DeviceName: computer}
	case open && s.Refusal != nil:
		return mobileweb.Stopped{
			Opening: b.opening(g.ID), AppName: app, DeviceName: computer,
			Why: whys[s.Refusal], Warnings: warningsOf(s.Risk), Local: g.ForBrowser(),
		}
	case open:
		return f.question(b, s)
	case s.State == grant.Verifying && mine:
		return verifying(b, s)
	case s.State == grant.Approved && mine:
		return mobileweb.Approved{Opening: b.opening(g.ID), Seq: uint64(g.SeqAt(s.Now)), AppName: app, DeviceName: computer}
	case s.State == grant.Redeemed && mine:
		return mobileweb.SignedIn{AppName: app, DeviceName: computer, Ago: s.Now.Sub(g.RedeemedAt)}
	case g.NumberFailed() && mine:
		return mobileweb.NumberFailed{AppName: app, DeviceName: computer}
	case s.State == grant.Denied && mine:
		return mobileweb.Denied{AppName: app, DeviceName: computer}
	case s.State == grant.Confirming, s.State == grant.Verifying, s.State == grant.Approved:
		return mobileweb.OnAnotherPhone{Opening: b.opening(g.ID), AppName: app, DeviceName: computer}
	}
	return mobileweb.Used{AppName: app, DeviceName: computer}
}

// whys are the pages' words for a refusal.
var whys = map[error]mobileweb.StoppedWhy{
	login.ErrRisky:         mobileweb.StoppedRisk,
	login.ErrUnknownDevice: mobileweb.StoppedUnknownDevice,
	login.ErrBlocked:       mobileweb.StoppedReported,
}

func verifying(b browser, s login.Sight) mobileweb.Verifying {
	g := s.Grant
	return mobileweb.Verifying{
		Opening:     b.opening(g.ID),
		Seq:         uint64(g.SeqAt(s.Now)),
		Number:      g.Number,
		AppName:     s.Client.Name,
		DeviceName:  g.Device.Name,
		TriesLeft:   g.TriesLeft(),
		Left:        g.ExpiresAt.Sub(s.Now),
		OpenedTwice: g.OpenedTwice,
	}
}

func (f *Face) question(b browser, s login.Sight) mobileweb.Confirm {
	g := s.Grant
	page := mobileweb.Confirm{
		Opening:        b.opening(g.ID),
		Seq:            uint64(g.SeqAt(s.Now)),
		UserCode:       g.Code.String(),
		AppName:        s.Client.Name,
		AppVerified:    s.Client.Verified,
		DeviceName:     g.Device.Name,
		DevicePlatform: g.Device.Platform,
		AppVersion:     g.Device.AppVersion,
		Place:          placeOf(s),
		Asked:          s.Now.Sub(g.CreatedAt),
		Left:           g.ExpiresAt.Sub(s.Now),
		Local:          g.ForBrowser(),
		Site:           siteOf(g.Redirect.URI),
		Level:          levelOf(s.Risk),
		Warnings:       warningsOf(s.Risk),
		Numbered:       s.Demand == auth.DemandNumber,
		OpenedTwice:    g.OpenedTwice,
		Reduced:        len(s.Scopes) < len(g.Scopes),
		LinkKey:        s.LinkKey,
		KnownAs:        s.Person.Name,
		Registration:   f.registration(),
	}
	for _, name := range s.Scopes {
		page.Scopes = append(page.Scopes, mobileweb.Scope{Name: name, Description: f.ScopeWords[name]})
	}
	return page
}

// scan notes that the page is open on a phone.
func (f *Face) scan(w http.ResponseWriter, r *http.Request) error {
	b, id, err := f.grantOf(r)
	if err != nil {
		return err
	}
	if err := f.Login.Scan(r.Context(), b.visitor(r), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// begin is the tap on Approve.
func (f *Face) begin(w http.ResponseWriter, r *http.Request) error {
	b, id, err := f.grantOf(r)
	if err != nil {
		return err
	}
	if err := f.Budgets.Approval(time.Now(), string(id)); err != nil {
		return err
	}
	options, err := f.Login.BeginApproval(r.Context(), b.visitor(r), id)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, options)
	return nil
}

// finish takes the passkey's answer. Where an app began the sign-in in this very
// browser, the answer has the way back to it.
func (f *Face) finish(w http.ResponseWriter, r *http.Request) error {
	b, id, err := f.grantOf(r)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil {
		return errBody
	}
	approval, err := f.Login.FinishApproval(r.Context(), b.visitor(r), id, answer)
	if err != nil {
		return err
	}
	next := location{Location: f.at("/confirm/" + b.opening(id))}
	if approval.Grant.ForBrowser() {
		next.Return = f.wayOn(r, b, id)
	}
	respond(w, http.StatusOK, next)
	return nil
}

// deny ends the grant, and leads to the page that says so.
func (f *Face) deny(w http.ResponseWriter, r *http.Request) error {
	b, id, err := f.grantOf(r)
	if err != nil {
		return err
	}
	// What cannot be denied any more has a page of its own, where this leads to.
	if err := f.Login.Deny(r.Context(), b.visitor(r), id); err != nil && !decided(err) {
		return err
	}
	http.Redirect(w, r, f.at("/confirm/"+b.opening(id)), http.StatusSeeOther)
	return nil
}
