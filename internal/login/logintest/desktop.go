package logintest

import (
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// NoKey is that of a desktop whose tokens are bearer tokens.
var NoKey dpop.Key

// Key makes a desktop's DPoP key.
func (w *World) Key() dpop.Key {
	w.t.Helper()
	k, err := dpop.NewKey()
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// FreshNonce is what a proof must carry at this time.
func (w *World) FreshNonce() string {
	w.t.Helper()
	nonce, err := w.Service.Nonce(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return nonce
}

// Proof is a new proof of the key for the token endpoint. NoKey has none.
func (w *World) Proof(k dpop.Key) dpop.Proof {
	w.t.Helper()
	return w.ProofWith(k, w.FreshNonce())
}

// ProofWith is Proof with that nonce.
func (w *World) ProofWith(k dpop.Key, nonce string) dpop.Proof {
	w.t.Helper()
	return w.prove(k, dpop.Request{Method: "POST", URL: w.Config.Issuer + wire.PathToken, Nonce: nonce})
}

func (w *World) prove(k dpop.Key, r dpop.Request) dpop.Proof {
	w.t.Helper()
	if k.IsZero() {
		return dpop.Proof{}
	}
	text, err := k.Prove(w.Clock.Now(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := dpop.Verify(w.Clock.Now(), []string{text}, dpop.Expect{Method: r.Method, URL: r.URL, AccessToken: r.AccessToken})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// Request is what every request of the client at the token endpoint has, with a new
// proof of the key.
func (w *World) Request(id auth.ClientID, k dpop.Key) login.TokenRequest {
	w.t.Helper()
	c, err := w.Client(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return login.TokenRequest{Client: c, Proof: w.Proof(k), Address: Home}
}

// Refreshing is a request to refresh the token, with a new proof of the key.
func (w *World) Refreshing(id auth.ClientID, k dpop.Key, refresh secret.Text) login.RefreshRequest {
	w.t.Helper()
	return login.RefreshRequest{TokenRequest: w.Request(id, k), Token: refresh}
}

// Access presents the access token, with a new proof of the key.
func (w *World) Access(k dpop.Key, tok secret.Text) login.Access {
	w.t.Helper()
	return login.Access{Token: tok, Proof: w.prove(k, dpop.Request{
		Method: "GET", URL: w.Config.Issuer + wire.PathUserInfo, AccessToken: tok.Reveal(), Nonce: w.FreshNonce(),
	})}
}

// SignIn has the person sign a desktop of the client in, whose key is k.
func (w *World) SignIn(p *Person, id auth.ClientID, k dpop.Key) login.Tokens {
	w.t.Helper()
	g, code := w.Start(id)
	w.Approve(p, g.ID)
	return w.Fetch(id, k, code)
}

// Authorization is an authorization request of a client and what it keeps of it.
type Authorization struct {
	ID          auth.GrantID
	ClientID    auth.ClientID
	RedirectURI string
	Verifier    string
}

// Ask begins an authorization request of the client, which needs a redirect
// URI. The key is that of dpop_jkt; NoKey: there is none.
func (w *World) Ask(id auth.ClientID, k dpop.Key) Authorization {
	w.t.Helper()
	c, err := w.Client(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	a := Authorization{ClientID: id, RedirectURI: c.RedirectURIs[0], Verifier: secret.Must().Reveal()}
	g, err := w.Service.Authorize(w.t.Context(), login.AuthorizeRequest{
		StartRequest: login.StartRequest{Client: c, Origin: Home, KeyThumbprint: k.Thumbprint(), Nonce: "n-" + a.Verifier[:4]},
		RedirectURI:  a.RedirectURI,
		State:        State,
		Challenge:    secret.From(a.Verifier).Hash().String(), // S256 is the same hash in the same letters
	})
	if err != nil {
		w.t.Fatal(err)
	}
	a.ID = g.ID
	return a
}

// State is that of every Authorization.
const State = "the client's own & only"

// Code takes the authorization code out of the address that the person's browser
// is sent to.
func (w *World) Code(p *Person, a Authorization) secret.Text {
	w.t.Helper()
	address, err := w.Return(w.t.Context(), p.Browser, a.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	_, rest, ok := strings.Cut(address, wire.ParamCode+"=")
	if !ok {
		w.t.Fatalf("no code in %s", address)
	}
	code, _, _ := strings.Cut(rest, "&")
	return secret.From(code)
}

// Exchanging is a request to exchange the code, with all that belongs to it and a
// new proof of the key.
func (w *World) Exchanging(a Authorization, k dpop.Key, code secret.Text) login.ExchangeRequest {
	w.t.Helper()
	return login.ExchangeRequest{
		TokenRequest: w.Request(a.ClientID, k), Code: code, RedirectURI: a.RedirectURI, Verifier: a.Verifier,
	}
}
