package load

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
)

// SignIn proves the passkey for the account's pages.
func (p *Phone) SignIn() error {
	options, err := p.post("/signin/begin", kindJSON, []byte("{}"))
	if err != nil {
		return err
	}
	var c struct{ Ceremony string }
	if err := json.Unmarshal(options, &c); err != nil {
		return err
	}
	proof, err := json.Marshal(map[string]any{"ceremony": c.Ceremony, "credential": json.RawMessage(p.touch.Get(options))})
	if err != nil {
		return err
	}
	_, err = p.post("/signin/finish", kindJSON, proof)
	return err
}

// ErrSignInFirst: the page wants the passkey again, by SignIn.
var ErrSignInFirst = errors.New("the page leads to the sign-in")

var sessionInPage = regexp.MustCompile(`"/devices/([^"/]+)/sign-out"`)

// Computers are the sessions of the account's desktops, in the order of the page that
// lists them. There are none before the passkey was proven for the account's pages.
func (p *Phone) Computers() (sessions []string, err error) {
	page, err := p.get("/devices")
	for _, m := range sessionInPage.FindAllSubmatch(page, -1) {
		sessions = append(sessions, string(m[1]))
	}
	return sessions, err
}

// SignOutComputer ends the session of one of the account's desktops, on the page that
// lists them.
func (p *Phone) SignOutComputer(session string) error {
	r, err := p.http.Post(p.issuer+"/devices/"+url.PathEscape(session)+"/sign-out", kindForm, http.NoBody)
	if _, err := answered(r, err); err != nil {
		return err
	}
	to, err := r.Location()
	if err == nil && to.Path == "/signin" {
		err = ErrSignInFirst
	}
	return err
}
