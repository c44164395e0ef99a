package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/wire"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// Pages are what a person sees of an authorization request. Another face has them.
type Pages interface {
	// Ask leads the browser to the question that the grant puts to a person.
	Ask(http.ResponseWriter, *http.Request, auth.GrantID)
	// RefuseAuthorization says that the request cannot be answered to its client,
	// because the client or the redirect URI is not to be trusted.
	RefuseAuthorization(http.ResponseWriter, *http.Request, mobileweb.LinkFault)
	// Fail says what kept the request from being looked at: too many of them, or a
	// storage that cannot be read.
	Fail(http.ResponseWriter, *http.Request, error)
}

// maxQuery bounds an authorization request, in bytes: it has to fit the browser's
// address and the grant's record.
const maxQuery = 8 << 10

// authorize begins a grant in the browser of the computer that is to be signed in
// (RFC 6749 section 4.1.1, RFC 7636, RFC 8252). A person answers it on the same page,
// with the same passkey, as they do on a phone.
func (f *Face) authorize(w http.ResponseWriter, r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		f.Pages.RefuseAuthorization(w, r, mobileweb.LinkMalformed)
		return nil
	}
	// First who asks and where the answer goes: before both are known to be good, no
	// error is sent anywhere (RFC 6749 section 4.1.2.1).
	client, redirectURI, err := f.answerable(r, query)
	if err != nil {
		f.refuse(w, r, err)
		return nil
	}
	start, err := f.admit(r, client)
	if err != nil {
		f.Pages.Fail(w, r, err) // the client would only send the browser here again
		return nil
	}
	g, err := f.begin(r, query, start, redirectURI)
	if err != nil {
		f.returnError(w, r, redirectURI, query.Get(wire.ParamState), err)
		return nil
	}
	f.Pages.Ask(w, r, g.ID)
	return nil
}

// authorizeForm takes the request by POST (OpenID Connect Core section 3.1.2.1). It
// becomes the same GET, for a form that another site posts comes without the cookie
// by which the browser is known.
func (f *Face) authorizeForm(w http.ResponseWriter, r *http.Request) error {
	body, err := readForm(w, r)
	if err != nil {
		f.refuse(w, r, err)
		return nil
	}
	query := url.Values{}
	for _, name := range authorizationParams {
		if values := body.values[name]; values != nil {
			query[name] = values
		}
	}
	w.Header().Set("Location", f.issuer+wire.PathAuthorize+"?"+query.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// authorizationParams are what a posted request may bring into the address: what
// is not read, such as a secret that strayed here, must not end up there.
var authorizationParams = []string{
	wire.ParamClientID, wire.ParamRedirectURI, wire.ParamResponseType, wire.ParamResponseMode, wire.ParamState,
	wire.ParamScope, wire.ParamResource, wire.ParamNonce, wire.ParamPrompt, wire.ParamMaxAge, wire.ParamIDTokenHint,
	wire.ParamCodeChallenge, wire.ParamChallengeMethod, wire.ParamDPoPKey,
	wire.ParamDeviceName, wire.ParamDevicePlatform, wire.ParamAppVersion,
	paramRequest, paramRequestURI,
}

// Request objects are refused by name (OpenID Connect Core section 6).
const (
	paramRequest    = "request"
	paramRequestURI = "request_uri"
)

// refuse shows the page of an error that is sent nowhere.
func (f *Face) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var malformed errRequest
	switch {
	case errors.Is(err, login.ErrUnknownClient):
		f.Pages.RefuseAuthorization(w, r, mobileweb.LinkUnknownApp)
	case errors.Is(err, login.ErrRedirectURI):
		f.Pages.RefuseAuthorization(w, r, mobileweb.LinkUnregisteredReturn)
	case errors.As(err, &malformed):
		f.Pages.RefuseAuthorization(w, r, mobileweb.LinkMalformed)
	default:
		f.Pages.Fail(w, r, err)
	}
}

// answerable finds the client, and the redirect URI that it has registered.
func (f *Face) answerable(r *http.Request, query url.Values) (auth.Client, string, error) {
	for _, name := range []string{wire.ParamClientID, wire.ParamRedirectURI} {
		if len(query[name]) > 1 {
			return auth.Client{}, "", errRequest("a parameter is repeated: " + name)
		}
	}
	client, err := f.Login.Client(r.Context(), auth.ClientID(query.Get(wire.ParamClientID)))
	if err != nil {
		return client, "", err
	}
	redirectURI := query.Get(wire.ParamRedirectURI)
	if !login.Redirects(client, redirectURI) {
		return client, "", login.ErrRedirectURI
	}
	return client, redirectURI, nil
}

var (
	errResponseType = errors.New("response_type must be " + wire.ResponseTypeCode)
	errPrompt       = errors.New("a person has to answer with a passkey: prompt=none cannot be")
	errRequestObj   = errors.New("request objects are not taken: send plain parameters")
	errRequestURI   = errors.New("request_uri is not taken: send plain parameters")
)

// begin checks the rest of the request and begins the grant.
func (f *Face) begin(r *http.Request, query url.Values, start login.StartRequest, redirectURI string) (grant.Grant, error) {
	params, err := newForm(query)
	if err != nil {
		return grant.Grant{}, err
	}
	if err := checkAuthorization(params); err != nil {
		return grant.Grant{}, err
	}
	if start, err = startRequest(start, params); err != nil {
		return grant.Grant{}, err
	}
	return f.Login.Authorize(r.Context(), login.AuthorizeRequest{
		StartRequest: start,
		RedirectURI:  redirectURI,
		State:        params.get(wire.ParamState),
		Challenge:    params.get(wire.ParamCodeChallenge),
		IDTokenHint:  params.get(wire.ParamIDTokenHint),
	})
}

// checkAuthorization refuses what this server does not do.
func checkAuthorization(params form) error {
	prompts := strings.Fields(params.get(wire.ParamPrompt))
	kind, err := params.need(wire.ParamResponseType)
	switch {
	case err != nil:
		return err
	case kind != wire.ResponseTypeCode:
		return errResponseType
	case params.get(paramRequest) != "":
		return errRequestObj
	case params.get(paramRequestURI) != "":
		return errRequestURI
	case params.get(wire.ParamResponseMode) != "" && params.get(wire.ParamResponseMode) != "query":
		return errRequest(wire.ParamResponseMode + " must be query")
	case slices.Contains(prompts, "none") && len(prompts) > 1: // OpenID Connect Core section 3.1.2.1
		return errRequest("prompt=none does not go with another prompt")
	case slices.Contains(prompts, "none"):
		return errPrompt
	}
	// Any age holds, since every sign-in is a fresh one. It has to be one.
	if age := params.get(wire.ParamMaxAge); strings.Trim(age, "0123456789") != "" {
		return errRequest(wire.ParamMaxAge + " is not a number of seconds")
	}
	return checkChallenge(params)
}

// challengeLength is that of a SHA-256 in base64url.
const challengeLength = 43

// checkChallenge wants PKCE of every client (RFC 9700 section 2.1.1), and of its
// methods the one that keeps the verifier to the client.
func checkChallenge(params form) error {
	challenge, err := params.need(wire.ParamCodeChallenge)
	switch {
	case err != nil:
		return err
	case params.get(wire.ParamChallengeMethod) != wire.ChallengeS256:
		return errRequest(wire.ParamChallengeMethod + " must be " + wire.ChallengeS256)
	case len(challenge) != challengeLength || strings.ContainsFunc(challenge, notBase64URL):
		return errRequest(wire.ParamCodeChallenge + " is not a SHA-256 in base64url")
	}
	return nil
}

func notBase64URL(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

// returnError takes an error to the client (RFC 6749 section 4.1.2.1). The browser
// follows with a GET, whatever it came with (RFC 9700 section 4.12).
func (f *Face) returnError(w http.ResponseWriter, r *http.Request, redirectURI, state string, err error) {
	e := f.explainByRedirect(r, err)
	params := url.Values{wire.ParamError: {e.Code}}
	if e.Description != "" {
		params.Set(wire.ParamErrorDescription, e.Description)
	}
	w.Header().Set("Location", f.Login.Response(redirectURI, params, state))
	w.WriteHeader(http.StatusSeeOther)
}
