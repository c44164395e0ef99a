package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
)

// Phone speaks HTTP as the pages' script does, with a cookie jar of its own and an
// authenticator in software whose keys and signatures are real.
type Phone struct {
	issuer string
	http   *http.Client
	touch  *passkeytest.Phone
}

// NewPhone makes a phone without an account.
func NewPhone(s *Server) (*Phone, error) {
	at, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	way := http.DefaultTransport.(*http.Transport).Clone()
	way.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Address)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Phone{
		issuer: s.Issuer,
		http:   &http.Client{Jar: jar, CheckRedirect: stay, Transport: way, Timeout: answerTime},
		touch:  passkeytest.NewPhone(alarm{}, at),
	}, nil
}

// alarm is told of what a server never says, unless it is not ours.
type alarm struct{}

func (alarm) Helper()                    {}
func (alarm) Fatalf(s string, of ...any) { panic(fmt.Sprintf(s, of...)) }

// Close ends the phone's connections.
func (p *Phone) Close() error {
	p.http.CloseIdleConnections()
	return nil
}

const (
	kindForm = "application/x-www-form-urlencoded"
	kindJSON = "application/json"
)

func (p *Phone) get(path string) ([]byte, error) { return answered(p.http.Get(p.issuer + path)) }

func (p *Phone) post(path, kind string, body []byte) ([]byte, error) {
	return answered(p.http.Post(p.issuer+path, kind, bytes.NewReader(body)))
}

// answered is the body of an answer that is no refusal.
func answered(r *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode >= http.StatusBadRequest {
		a := Answer{Status: r.StatusCode, RetryAfter: r.Header.Get("Retry-After"), Body: body}
		err = a.refusal(r.Request.URL.Path)
	}
	return body, err
}

// Join makes an account with a passkey on this phone.
func (p *Phone) Join(name string) error {
	wish, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return err
	}
	options, err := p.post("/join/begin", kindJSON, wish)
	if err != nil {
		return err
	}
	var c struct{ Ceremony string }
	if err := json.Unmarshal(options, &c); err != nil {
		return err
	}
	made, err := json.Marshal(map[string]any{"ceremony": c.Ceremony, "credential": json.RawMessage(p.touch.Create(options))})
	if err != nil {
		return err
	}
	_, err = p.post("/join/finish", kindJSON, made)
	return err
}

// Opening is a sign-in that the phone has open.
type Opening string

var openingInPage = regexp.MustCompile(`/confirm/([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)`)

// Scan opens the link of a QR code, and says so as the page's script does at once.
func (p *Phone) Scan(link string) (Opening, error) {
	page, err := p.get(strings.TrimPrefix(link, p.issuer))
	if err != nil {
		return "", err
	}
	m := openingInPage.FindSubmatch(page)
	if m == nil {
		return "", fmt.Errorf("%s opens no sign-in", link)
	}
	o := Opening(m[1])
	_, err = p.tell(o, "scan", []byte("{}"))
	return o, err
}

// Touch taps Approve and touches the sensor. The answer that it returns is what
// Finish sends.
func (p *Phone) Touch(o Opening) (assertion []byte, err error) {
	options, err := p.tell(o, "begin", []byte("{}"))
	if err != nil {
		return nil, err
	}
	return p.touch.Get(options), nil
}

// Finish brings the assertion. Without an error the approval is acknowledged.
func (p *Phone) Finish(o Opening, assertion []byte) error {
	_, err := p.tell(o, "finish", assertion)
	return err
}

// FinishRequest is what Finish sends, for a connection that is faster than the phone's
// own. A phone's assertions must be brought in the order in which they were made.
func (p *Phone) FinishRequest(o Opening, assertion []byte) (Request, error) {
	path := confirmation(o, "finish")
	at, err := url.Parse(p.issuer + path)
	if err != nil {
		return nil, err
	}
	var cookies []string
	for _, c := range p.http.Jar.Cookies(at) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	return post(at.Host, path, kindJSON, string(assertion), []string{"Cookie: " + strings.Join(cookies, "; ")}), nil
}

// Approve follows the link and approves what it opens, from the scan to the
// acknowledgement.
func (p *Phone) Approve(link string) error {
	o, err := p.Scan(link)
	if err != nil {
		return err
	}
	assertion, err := p.Touch(o)
	if err != nil {
		return err
	}
	return p.Finish(o, assertion)
}

// Deny says no.
func (p *Phone) Deny(o Opening) error {
	_, err := p.post(confirmation(o, "deny"), kindForm, nil)
	return err
}

func (p *Phone) tell(o Opening, what string, body []byte) ([]byte, error) {
	return p.post(confirmation(o, what), kindJSON, body)
}

func confirmation(o Opening, what string) string { return "/confirm/" + string(o) + "/" + what }
