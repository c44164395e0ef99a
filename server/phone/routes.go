package phone

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/route"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Handler serves the paths below the issuer. What a page sends must come from
// this origin (net/http.CrossOriginProtection), and decisions moreover carry the
// opening that only the page of that browser knows.
func (f *Face) Handler() http.Handler {
	mux := route.NewMux()
	f.routeQuestion(mux)
	f.routeEntrance(mux)
	f.routeAccount(mux)
	f.routeComputers(mux)
	mux.Handle("GET /assets/", f.page(nil, findIn(f.Site.Assets()))) // in memory as they are: not worth a gate
	mux.Handle("GET /assets", f.page(f.Gates.Pages, nothingHere))    // not a redirect to the tree
	mux.Handle("/", f.page(f.Gates.Pages, nothingHere))
	return f.guard(mux)
}

// routeQuestion: a code is brought, and a computer's sign-in decided.
func (f *Face) routeQuestion(mux *route.Mux) {
	pages, decisions := f.Gates.Pages, f.Gates.Decisions
	mux.Handle("GET /{$}", http.RedirectHandler(f.at(wire.PathDevice), http.StatusSeeOther))
	mux.Handle("GET "+wire.PathDevice, f.page(pages, f.device))
	mux.Handle("POST "+wire.PathDevice, f.page(pages, f.enterCode))
	mux.Handle("GET /confirm/{opening}", f.page(pages, f.confirm))
	mux.Handle("GET /confirm/{opening}/status", f.api(pages, f.status))
	mux.Handle("POST /confirm/{opening}/scan", f.api(pages, f.scan))
	mux.Handle("POST /confirm/{opening}/begin", f.api(decisions, f.begin))
	mux.Handle("POST /confirm/{opening}/finish", f.api(decisions, f.finish))
	mux.Handle("POST /confirm/{opening}/deny", f.page(decisions, f.deny))
	mux.Handle("POST /confirm/{opening}/return", f.api(decisions, f.wayBack))
}

// routeEntrance: somebody gets an account or a passkey, and into the account.
func (f *Face) routeEntrance(mux *route.Mux) {
	pages := f.Gates.Pages
	mux.Handle("GET /join", f.page(pages, f.join))
	mux.Handle("POST /join/invitation", f.api(pages, f.invitation))
	mux.Handle("POST /join/begin", f.api(pages, f.joinBegin))
	mux.Handle("POST /join/finish", f.api(pages, f.joinFinish))
	mux.Handle("GET /recover", f.page(pages, f.recover))
	mux.Handle("GET /recovery-codes", f.page(pages, f.recoveryCodes))
	mux.Handle("GET /signin", f.page(pages, f.signIn))
	mux.Handle("POST /signin/begin", f.api(pages, f.signInBegin))
	mux.Handle("POST /signin/finish", f.api(pages, f.signInFinish))
	mux.Handle("POST /signout-here", f.page(pages, f.signOutHere))
}

// routeAccount: passkeys, recovery codes and computers of who is signed in here.
func (f *Face) routeAccount(mux *route.Mux) {
	pages := f.Gates.Pages
	mux.Handle("GET /account", f.page(pages, f.account))
	mux.Handle("POST /account/passkeys/begin", f.api(pages, f.passkeyBegin))
	mux.Handle("POST /account/passkeys/finish", f.api(pages, f.passkeyFinish))
	mux.Handle("POST /account/passkeys/{id}/remove", f.page(pages, f.passkeyRemove))
	mux.Handle("POST /account/recovery-codes", f.api(pages, f.newRecoveryCodes))
	mux.Handle("POST /account/sign-out", f.page(pages, f.signOut))
}

func (f *Face) routeComputers(mux *route.Mux) {
	pages := f.Gates.Pages
	mux.Handle("GET "+wire.PathComputers, f.page(pages, f.computers))
	mux.Handle("POST "+wire.PathComputers+"/sign-out-everywhere", f.page(pages, f.signOutEverywhere))
	mux.Handle("POST "+wire.PathComputers+"/{id}/sign-out", f.page(pages, f.onComputer(f.Login.SignOutComputer, saidSignedOut)))
	mux.Handle("POST "+wire.PathComputers+"/{id}/report", f.page(pages, f.onComputer(f.Login.ReportComputer, saidReported)))
	mux.Handle("POST "+wire.PathComputers+"/{id}/confirm", f.page(pages, f.onComputer(f.Login.ConfirmComputer, saidConfirmed)))
}

// NotFound is for the rest of the issuer's host, where there is nothing. Its page
// says where the service is.
func (f *Face) NotFound() http.Handler { return f.guard(f.page(f.Gates.Pages, nothingHere)) }

func nothingHere(http.ResponseWriter, *http.Request) error { return errNotFound }

// findIn serves what the handler finds, and leaves it to the page to say that it
// found nothing.
func findIn(files http.Handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		s := &search{ResponseWriter: w}
		files.ServeHTTP(s, r)
		if s.inVain {
			return errNotFound
		}
		return nil
	}
}

// search holds a 404 back.
type search struct {
	http.ResponseWriter
	inVain bool
}

func (s *search) WriteHeader(status int) {
	if s.inVain = status == http.StatusNotFound; !s.inVain {
		s.ResponseWriter.WriteHeader(status)
	}
}

func (s *search) Write(b []byte) (int, error) {
	if s.inVain {
		return len(b), nil
	}
	return s.ResponseWriter.Write(b)
}
