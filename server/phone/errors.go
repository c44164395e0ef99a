package phone

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/mobileweb"
)

var (
	errNotFound      = errors.New("no such page")
	errNotOpened     = errors.New("this browser has not opened that sign-in")
	errForeignOrigin = errors.New("the request was made by another origin's page")
	errBody          = errors.New("the request's body is not what the page's script sends")
)

// delay is an error that passes with time, such as a spent budget.
type delay interface {
	error
	RetryAfter() time.Duration
}

// errCode is what was wrong with a typed code.
type errCode struct {
	typed   string
	problem mobileweb.CodeProblem
}

func (e errCode) Error() string { return "not a user code" }

// explanation is a cause in this face's words: a status, a page for a request
// that wants one, a sentence for the script.
type explanation struct {
	status   int
	page     mobileweb.Page
	sentence mobileweb.Sentence
	name     string // for the script and the tests; not shown
}

// causes pairs each cause with its explanation. The first that matches counts.
var causes = []struct {
	cause error
	explanation
}{
	{errNotFound, explanation{http.StatusNotFound, mobileweb.NotFound{}, mobileweb.SayReload, "not_found"}},
	{errNotOpened, explanation{http.StatusForbidden, mobileweb.UnknownCode{}, mobileweb.SayReload, "not_opened"}},
	{errForeignOrigin, explanation{http.StatusForbidden, mobileweb.Refused{}, mobileweb.SayReload, "refused"}},
	{errBody, explanation{http.StatusBadRequest, mobileweb.Refused{}, mobileweb.SayReload, "malformed"}},
	{login.ErrUnknownCode, explanation{http.StatusNotFound, mobileweb.UnknownCode{}, mobileweb.SayOver, "unknown_code"}},
	{login.ErrUnknownClient, explanation{http.StatusGone, mobileweb.Ended{}, mobileweb.SayOver, "over"}},
	{grant.ErrClaimed, explanation{http.StatusConflict, mobileweb.OnAnotherPhone{}, mobileweb.SayOnAnotherPhone, "claimed"}},
	{grant.ErrVerifying, explanation{http.StatusConflict, mobileweb.Refused{}, mobileweb.SayVerifying, "verifying"}},
	{login.ErrRisky, explanation{http.StatusForbidden, mobileweb.Stopped{Why: mobileweb.StoppedRisk}, mobileweb.SayStopped, "risky"}},
	{login.ErrUnknownDevice, explanation{http.StatusForbidden, mobileweb.Stopped{Why: mobileweb.StoppedUnknownDevice}, mobileweb.SayStopped, "unknown_device"}},
	{login.ErrBlocked, explanation{http.StatusForbidden, mobileweb.Stopped{Why: mobileweb.StoppedReported}, mobileweb.SayStopped, "reported"}},
	{grant.ErrNotClaimed, explanation{http.StatusConflict, mobileweb.Refused{}, mobileweb.SayTookTooLong, "no_ceremony"}},
	{grant.ErrApproved, explanation{http.StatusConflict, mobileweb.Used{}, mobileweb.SayOver, "over"}},
	{grant.ErrRedeemed, explanation{http.StatusConflict, mobileweb.Used{}, mobileweb.SayOver, "over"}},
	{grant.ErrDenied, explanation{http.StatusConflict, mobileweb.Used{}, mobileweb.SayOver, "over"}},
	{grant.ErrCancelled, explanation{http.StatusConflict, mobileweb.Cancelled{}, mobileweb.SayOver, "over"}},
	{grant.ErrExpired, explanation{http.StatusGone, mobileweb.Expired{}, mobileweb.SayOver, "expired"}},
	{login.ErrNoReturn, explanation{http.StatusConflict, mobileweb.Used{}, mobileweb.SayOver, "no_return"}},
	{login.ErrNoAccount, explanation{http.StatusForbidden, mobileweb.Disabled{}, mobileweb.SayAccountDisabled, "disabled"}},
	{login.ErrPasskey, explanation{http.StatusForbidden, mobileweb.Refused{}, mobileweb.SayPasskeyRefused, "passkey_refused"}},
	{login.ErrOtherPerson, explanation{http.StatusForbidden, mobileweb.Refused{}, mobileweb.SayOtherPerson, "other_person"}},
	{login.ErrCeremony, explanation{http.StatusConflict, mobileweb.Refused{}, mobileweb.SayTookTooLong, "no_ceremony"}},
	{login.ErrJoinClosed, explanation{http.StatusForbidden, mobileweb.Join{Registration: mobileweb.RegistrationByInvitation}, mobileweb.SayInvitationNeeded, "invitation_needed"}},
	{login.ErrInvitation, explanation{http.StatusForbidden, mobileweb.Join{Registration: mobileweb.RegistrationByInvitation}, mobileweb.SayInvitationInvalid, "invitation_invalid"}},
	{login.ErrRecoveryCode, explanation{http.StatusForbidden, mobileweb.Recover{}, mobileweb.SayRecoveryCodeInvalid, "recovery_code_invalid"}},
	{login.ErrName, explanation{http.StatusBadRequest, mobileweb.Refused{}, mobileweb.SayNameMissing, "name_missing"}},
	{login.ErrNameTooLong, explanation{http.StatusBadRequest, mobileweb.Refused{}, mobileweb.SayNameTooLong, "name_too_long"}},
	{login.ErrPasskeyExists, explanation{http.StatusConflict, mobileweb.Refused{}, mobileweb.SayPasskeyHereAlready, "passkey_exists"}},
	{login.ErrSignInFirst, explanation{http.StatusUnauthorized, mobileweb.SignIn{Again: true}, mobileweb.SaySignInFirst, "sign_in_first"}},
	{login.ErrLastPasskey, explanation{http.StatusConflict, mobileweb.Refused{}, mobileweb.SayReload, "last_passkey"}},
	{store.ErrNotFound, explanation{http.StatusNotFound, mobileweb.NotFound{}, mobileweb.SayReload, "not_found"}},
}

func (f *Face) explain(r *http.Request, err error) explanation {
	var over delay
	var code errCode
	switch _, refused := errors.AsType[gate.Refusal](err); {
	case r.Context().Err() != nil:
		return explanation{http.StatusRequestTimeout, mobileweb.Refused{}, mobileweb.SayReload, "gone"} // to nobody
	case refused, errors.Is(err, store.ErrOverloaded):
		return explanation{http.StatusServiceUnavailable, mobileweb.Busy{Reload: r.Method != http.MethodPost}, mobileweb.SayBusy, "busy"}
	case errors.As(err, &over):
		return explanation{http.StatusTooManyRequests, mobileweb.TooManyTries{Wait: over.RetryAfter()}, mobileweb.SayTooManyTries, "too_many_tries"}
	case errors.As(err, &code):
		return explanation{http.StatusUnprocessableEntity, mobileweb.EnterCode{Code: code.typed, Problem: code.problem}, mobileweb.SayReload, "code"}
	}
	for _, c := range causes {
		if errors.Is(err, c.cause) {
			if c.name == "passkey_refused" {
				f.Log.WarnContext(r.Context(), "passkey refused", slog.Any("error", err), slog.String("address", r.RemoteAddr))
			}
			return c.explanation
		}
	}
	reference := secret.Must().Hash().String()[:10]
	f.Log.ErrorContext(r.Context(), "unexpected error",
		slog.String("reference", reference), slog.String("route", r.Pattern), slog.Any("error", err))
	status := http.StatusInternalServerError
	if errors.Is(err, store.ErrUnavailable) {
		status = http.StatusServiceUnavailable
	}
	return explanation{status, mobileweb.Broken{Reference: reference}, mobileweb.SayBroken, "broken"}
}

// page turns a handler into one behind a gate whose errors are pages.
func (f *Face) page(g *gate.Gate, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := enter(g, w, r, h); err != nil {
			e := f.explain(r, err)
			retryAfter(w, err)
			f.show(w, r, e.status, e.page)
		}
	})
}

// failure is the JSON of an error.
type failure struct {
	Error    string `json:"error"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

// api turns a handler into one behind a gate that takes the script's JSON, and whose
// errors are JSON.
func (f *Face) api(g *gate.Gate, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		err := errBody
		if r.Method == http.MethodGet || saysJSON(r) {
			err = enter(g, w, r, h)
		}
		if err == nil {
			return
		}
		e := f.explain(r, err)
		body := failure{Error: e.name, Message: f.Site.Say(r.Header.Get("Accept-Language"), e.sentence)}
		body.Location = f.wayOut(r, err)
		retryAfter(w, err)
		respond(w, e.status, body)
	})
}

// wayOut is the page that says more of the error; "" where there is none.
func (f *Face) wayOut(r *http.Request, err error) string {
	if errors.Is(err, login.ErrSignInFirst) {
		return f.at("/signin?again=1")
	}
	opening := r.PathValue("opening")
	for _, cause := range []error{login.ErrRisky, login.ErrUnknownDevice, login.ErrBlocked, grant.ErrVerifying} {
		if opening != "" && errors.Is(err, cause) {
			return f.at("/confirm/" + opening)
		}
	}
	return ""
}

// storageRetry is what Retry-After says while the storage cannot be used.
const storageRetry = 5 * time.Second

// retryAfter says when to come again, where the error passes with time. The storage's
// having too much to do is a refusal as a gate's is, and counts as one.
func retryAfter(w http.ResponseWriter, err error) {
	if errors.Is(err, store.ErrUnavailable) {
		w.Header().Set("Retry-After", strconv.Itoa(wire.RetryAfter(storageRetry)))
		return
	}
	var over delay
	if errors.Is(err, store.ErrOverloaded) {
		gate.TurnAway(w)
		over = gate.Refusal(gate.Later())
	}
	if over != nil || errors.As(err, &over) {
		w.Header().Set("Retry-After", strconv.Itoa(wire.RetryAfter(over.RetryAfter())))
	}
}

// show renders a page.
func (f *Face) show(w http.ResponseWriter, r *http.Request, status int, page mobileweb.Page) {
	var buf bytes.Buffer
	if err := f.Site.Render(&buf, r.Header.Get("Accept-Language"), page); err != nil {
		f.Log.ErrorContext(r.Context(), "render page", slog.Any("error", err))
		http.Error(w, "Something broke. Please try again.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // the peer is gone; there is nobody to tell
}

// respond writes one JSON body.
func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
