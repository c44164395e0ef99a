package load

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// Status is how a sign-in stands that the phone has open, as its page's script asks.
func (p *Phone) Status(o Opening) (wire.State, error) {
	body, err := p.get("/confirm/" + string(o) + "/status")
	if err != nil {
		return "", err
	}
	var s struct{ State wire.State }
	return s.State, json.Unmarshal(body, &s)
}

var (
	numberInPage = regexp.MustCompile(`(?s)<p class="number"[^>]*>(.*?)</p>`)
	markup       = regexp.MustCompile(`<[^>]*>|\s`)
)

// Number reads the digits that the page of an opened sign-in shows, for its person to
// type on the desktop.
func (p *Phone) Number(o Opening) (string, error) {
	page, err := p.get("/confirm/" + string(o))
	if err != nil {
		return "", err
	}
	m := numberInPage.FindSubmatch(page)
	if m == nil {
		return "", fmt.Errorf("the page of %.8s… shows no number", o)
	}
	return strings.TrimSpace(markup.ReplaceAllString(string(m[1]), "")), nil
}
