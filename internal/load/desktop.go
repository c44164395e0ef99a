package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// App is the client that a demo server has.
const App = "desktop-demo"

// StartForm asks for a grant, of a desktop of that name.
func StartForm(name string) string {
	return url.Values{"client_id": {App}, "device_name": {name}}.Encode()
}

// PollForm asks for the tokens of a device code.
func PollForm(deviceCode string) string {
	return url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "client_id": {App}, "device_code": {deviceCode}}.Encode()
}

// RefreshForm asks for the next tokens of a session.
func RefreshForm(refreshToken string) string {
	return url.Values{"grant_type": {wire.GrantTypeRefresh}, "client_id": {App}, "refresh_token": {refreshToken}}.Encode()
}

// Refusal is an answer other than the one that was asked for.
type Refusal struct {
	Path       string
	Status     int
	Code       string // of RFC 6749 section 5.2, where there is one
	RetryAfter string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %d %s", r.Path, r.Status, r.Code)
}

// Start begins a grant.
func (c *Conn) Start(host, name string) (d wire.DeviceAuthorization, err error) {
	return d, c.ask(host, wire.PathDeviceAuthorization, StartForm(name), &d)
}

// Redeem polls once. Before the approval the error is a *Refusal.
func (c *Conn) Redeem(host, deviceCode string) (t wire.Token, err error) {
	return t, c.ask(host, wire.PathToken, PollForm(deviceCode), &t)
}

// Refresh takes the next tokens of a session.
func (c *Conn) Refresh(host, refreshToken string) (t wire.Token, err error) {
	return t, c.ask(host, wire.PathToken, RefreshForm(refreshToken), &t)
}

func (c *Conn) ask(host, path, form string, into any) error {
	a, err := c.Do(Post(host, path, form))
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return a.refusal(path)
	}
	return json.Unmarshal(a.Body, into)
}

func (a Answer) refusal(path string) error {
	var fault struct{ Error string }
	_ = json.Unmarshal(a.Body, &fault) // a page has none
	return &Refusal{path, a.Status, fault.Error, a.RetryAfter}
}
