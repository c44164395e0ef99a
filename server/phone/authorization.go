package phone

import (
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// Ask leads the browser that came with an authorization request to the question
// about the grant that the request has just begun. It gives the browser a cookie if
// it has none. The request is a browser's GET; it may come from any origin.
func (f *Face) Ask(w http.ResponseWriter, r *http.Request, id auth.GrantID) {
	seclude(w.Header())
	w.Header().Set("Cache-Control", "no-store")
	b := f.welcome(w, r)
	http.Redirect(w, r, f.at("/confirm/"+b.opening(id)), http.StatusSeeOther)
}

// AuthorizationFault is why an authorization request cannot be answered to its
// client, not even with an error (RFC 6749 section 4.1.2.1).
type AuthorizationFault = mobileweb.LinkFault

// The faults.
const (
	FaultMalformed          = mobileweb.LinkMalformed
	FaultUnknownClient      = mobileweb.LinkUnknownApp
	FaultUnregisteredReturn = mobileweb.LinkUnregisteredReturn
)

// RefuseAuthorization says that the app's link is broken, with the status 400. The
// page shows nothing of the request and leads nowhere.
func (f *Face) RefuseAuthorization(w http.ResponseWriter, r *http.Request, fault AuthorizationFault) {
	seclude(w.Header())
	f.show(w, r, http.StatusBadRequest, mobileweb.BrokenLink{Fault: fault})
}

// Fail shows the page of what kept an authorization request from being looked at,
// as this face's own errors are shown. An error with a method RetryAfter, which
// returns a time.Duration, is a budget that is spent: 429. A gate.Refusal is 503. The storage's absence is
// 503. What is not known here is logged, and shown as 500 with a reference.
func (f *Face) Fail(w http.ResponseWriter, r *http.Request, err error) {
	seclude(w.Header())
	e := f.explain(r, err)
	switch page := e.page.(type) {
	case mobileweb.TooManyTries:
		page.Local = true
		e.page = page
	case mobileweb.Broken:
		page.Local = true
		e.page = page
	}
	retryAfter(w, err)
	f.show(w, r, e.status, e.page)
}

// returned is the page with the way back to the app, for a grant that an
// authorization request began and that is decided, or was not in time. It is not ok
// for any other.
func returned(b browser, s login.Sight) (page mobileweb.Returned, ok bool) {
	g := s.Grant
	if !g.ForBrowser() || g.Voided() || s.Client.ID == "" || g.ClaimedElsewhere(b.id()) {
		return page, false
	}
	outcomes := map[grant.State]mobileweb.Outcome{
		grant.Approved: mobileweb.OutcomeApproved,
		grant.Denied:   mobileweb.OutcomeDenied,
		grant.Expired:  mobileweb.OutcomeExpired,
	}
	page = mobileweb.Returned{
		Opening:    b.opening(g.ID),
		Seq:        uint64(g.SeqAt(s.Now)),
		AppName:    s.Client.Name,
		DeviceName: g.Device.Name,
	}
	page.Outcome, ok = outcomes[s.State]
	return page, ok
}

// siteOf is the web site that an authorization response goes to; "" where an app
// takes it on the person's own computer, by a loopback address or a scheme of its
// own (RFC 8252 section 7).
func siteOf(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	return u.Host
}

// wayBack answers with the address at which the app waits for the outcome. It is
// the one address elsewhere that this face ever names: the page's script goes there,
// since a form that is led to another origin breaks the policy's form-action.
func (f *Face) wayBack(w http.ResponseWriter, r *http.Request) error {
	b, id, err := f.grantOf(r)
	if err != nil {
		return err
	}
	if err := f.Budgets.WayBack(time.Now(), string(id)); err != nil {
		return err
	}
	to, err := f.Login.Return(r.Context(), b.id(), id)
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, struct {
		Return string `json:"return"`
	}{to})
	return nil
}

// wayOn is the way back right after an approval. The approval stands where there is
// none at the moment: then it is empty, and the next page asks again.
func (f *Face) wayOn(r *http.Request, b browser, id auth.GrantID) string {
	to, err := f.Login.Return(r.Context(), b.id(), id)
	if err != nil {
		f.Log.ErrorContext(r.Context(), "no way back after an approval", slog.Any("error", err))
		return ""
	}
	return to
}
