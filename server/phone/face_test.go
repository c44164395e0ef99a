package phone_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login/logintest"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
	"github.com/qrauthd/qrauthd/mobileweb"
	"github.com/qrauthd/qrauthd/server/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is the face on a real socket, with the world behind it.
type site struct {
	*logintest.World
	face *phone.Face
	url  string
	log  bytes.Buffer
	t    *testing.T
	// authorization is what answers at /authorize, as the other face would.
	authorization http.HandlerFunc
}

func serve(t *testing.T, limits budget.Limits) *site {
	t.Helper()
	return serveBehind(t, limits, gate.Gates{})
}

func serveBehind(t *testing.T, limits budget.Limits, gates gate.Gates) *site {
	t.Helper()
	s := &site{World: logintest.New(t), t: t}
	pages, err := mobileweb.New(mobileweb.Options{Host: s.Issuer.Host})
	if err != nil {
		t.Fatal(err)
	}
	s.face = phone.New(phone.Config{
		Issuer: s.Issuer, Login: s.Service, Hub: s.Hub, Site: pages, OpenRegistration: true, Budgets: budget.New(limits), Gates: gates,
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	mux := http.NewServeMux()
	mux.Handle("/", s.face.Handler())
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) { s.authorization(w, r) })
	server := httptest.NewServer(onTheCouch(mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// from is the header by which a test says where its phone is.
const from = "X-Test-From"

// onTheCouch has every phone on its desktop's network, unless the test says otherwise.
func onTheCouch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address := logintest.Couch
		if elsewhere, err := netip.ParseAddr(r.Header.Get(from)); err == nil {
			address = elsewhere
		}
		r.RemoteAddr = netip.AddrPortFrom(address, 1234).String()
		next.ServeHTTP(w, r)
	})
}

// browser is a phone's browser with a cookie jar, and an authenticator.
type browser struct {
	*passkeytest.Phone
	http      *http.Client
	site      *site
	elsewhere func(*http.Request) // unless nil, what moves the phone to another network
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.t.Cleanup(client.CloseIdleConnections)
	return &browser{Phone: passkeytest.NewPhone(s.t, s.Issuer), http: client, site: s}
}

type answer struct {
	*http.Response
	body string
}

func (b *browser) do(method, path, kind, body string, change ...func(*http.Request)) answer {
	b.site.t.Helper()
	r, err := http.NewRequestWithContext(b.site.t.Context(), method, b.site.url+path, strings.NewReader(body))
	if err != nil {
		b.site.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if b.elsewhere != nil {
		b.elsewhere(r)
	}
	for _, c := range change {
		c(r)
	}
	resp, err := b.http.Do(r)
	if err != nil {
		b.site.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.site.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

func (b *browser) get(path string) answer { return b.do(http.MethodGet, path, "", "") }

func (b *browser) form(path string, values url.Values, change ...func(*http.Request)) answer {
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", values.Encode(), change...)
}

// call sends JSON and decodes the answer, whatever its status.
func (b *browser) call(path string, in any, change ...func(*http.Request)) (answer, map[string]json.RawMessage) {
	b.site.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.site.t.Fatal(err)
	}
	a := b.do(http.MethodPost, path, "application/json", string(body), change...)
	var out map[string]json.RawMessage
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &out); err != nil {
			b.site.t.Fatalf("%s answered %s %q: %v", path, a.Status, a.body, err)
		}
	}
	return a, out
}

func text(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return s
}

var openingInPage = regexp.MustCompile(`/confirm/([A-Za-z0-9_.-]+)/deny`)

// open scans the grant's code and returns the handle that the page holds.
func (b *browser) open(g grant.Grant) string {
	b.site.t.Helper()
	return b.follow("/device?user_code=" + g.Code.String())
}

// follow is open for a link.
func (b *browser) follow(link string) string {
	b.site.t.Helper()
	a := b.get(link)
	m := openingInPage.FindStringSubmatch(a.body)
	if a.StatusCode != http.StatusOK || m == nil {
		b.site.t.Fatalf("no confirmation: %s\n%s", a.Status, a.body)
	}
	return m[1]
}

// approve taps Approve and touches the sensor.
func (b *browser) approve(opening string) (answer, map[string]json.RawMessage) {
	b.site.t.Helper()
	a, options := b.call("/confirm/"+opening+"/begin", struct{}{})
	if a.StatusCode != http.StatusOK {
		return a, options
	}
	return b.call("/confirm/"+opening+"/finish", json.RawMessage(b.Get([]byte(a.body))))
}

// join creates an account with a passkey, for an opening where one waits.
func (b *browser) join(name, opening string) map[string]json.RawMessage {
	b.site.t.Helper()
	a, begun := b.call("/join/begin", map[string]string{"name": name, "for": opening})
	if a.StatusCode != http.StatusOK {
		b.site.t.Fatalf("join: %s %s", a.Status, a.body)
	}
	a, done := b.call("/join/finish", map[string]any{
		"ceremony": begun["ceremony"], "for": opening, "credential": json.RawMessage(b.Create([]byte(a.body))),
	})
	if a.StatusCode != http.StatusOK {
		b.site.t.Fatalf("join: %s %s", a.Status, a.body)
	}
	return done
}

func (s *site) state(g grant.Grant) grant.State {
	s.t.Helper()
	now, err := s.Grant(s.t.Context(), g.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return now.StateAt(s.Clock.Now())
}
