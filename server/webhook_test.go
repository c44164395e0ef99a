package server

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

const webhookSecret = "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func TestWebhookSettings(t *testing.T) {
	file := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "webhook")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := Webhook{URL: "https://example.com/notices?token=hidden", Secret: webhookSecret, Events: DefaultWebhookEvents()}
	for name, tc := range map[string]struct {
		change func(*Webhook)
		want   string // a part of the fault; empty: none
	}{
		"all is well":                       {func(*Webhook) {}, ""},
		"none":                              {func(w *Webhook) { *w = Webhook{Events: DefaultWebhookEvents()} }, ""},
		"to this machine by http":           {func(w *Webhook) { w.URL = "http://127.0.0.1:9999/x" }, ""},
		"to this machine by name":           {func(w *Webhook) { w.URL = "http://localhost:9999" }, ""},
		"a secret in a file":                {func(w *Webhook) { w.Secret, w.SecretFile = "", file(webhookSecret+"\n", 0o600) }, ""},
		"two secrets in a file":             {func(w *Webhook) { w.Secret, w.SecretFile = "", file(webhookSecret+"\n"+webhookSecret+"\n", 0o400) }, ""},
		"two secrets":                       {func(w *Webhook) { w.Secret += " " + webhookSecret }, ""},
		"all events":                        {func(w *Webhook) { w.Events = []string{AllEvents} }, ""},
		"other events":                      {func(w *Webhook) { w.Events = []string{"operator.key_rotated", "account.created"} }, ""},
		"over the network by http":          {func(w *Webhook) { w.URL = "http://hooks.example.com/hidden" }, "use https"},
		"another scheme":                    {func(w *Webhook) { w.URL = "ftp://example.com/hidden" }, `scheme "ftp"`},
		"a URL without a host":              {func(w *Webhook) { w.URL = "https:///hidden" }, "webhook.url is not a URL"},
		"a path":                            {func(w *Webhook) { w.URL = "/hidden" }, "webhook.url is not a URL"},
		"nonsense":                          {func(w *Webhook) { w.URL = "https://exa mple.com/hidden" }, "webhook.url is not a URL"},
		"a password in the URL":             {func(w *Webhook) { w.URL = "https://ada:hidden@example.com" }, "webhook.url has a user name"},
		"a fragment":                        {func(w *Webhook) { w.URL = "https://example.com/#hidden" }, "fragment"},
		"no secret":                         {func(w *Webhook) { w.Secret = "" }, "no secret"},
		"a secret and a file of one":        {func(w *Webhook) { w.SecretFile = file(webhookSecret, 0o600) }, "both a secret and a secret_file"},
		"a secret without a URL":            {func(w *Webhook) { w.URL = "" }, "no url"},
		"a file without a URL":              {func(w *Webhook) { *w = Webhook{SecretFile: "/nowhere"} }, "no url"},
		"a secret in another form":          {func(w *Webhook) { w.Secret = "hidden-hidden-hidden-hidden-hidden" }, "webhook.secret: "},
		"a secret that is short":            {func(w *Webhook) { w.Secret = "whsec_aGlkZGVu" }, "24 to 64"},
		"a second secret that is short":     {func(w *Webhook) { w.Secret += " whsec_aGlkZGVu" }, "24 to 64"},
		"a file that is not there":          {func(w *Webhook) { w.Secret, w.SecretFile = "", "/nowhere" }, "no such file or directory: make one"},
		"a file that others may read":       {func(w *Webhook) { w.Secret, w.SecretFile = "", file(webhookSecret, 0o644) }, "chmod 600"},
		"an empty file":                     {func(w *Webhook) { w.Secret, w.SecretFile = "", file(" \n", 0o600) }, "no secret in it"},
		"a file of something else":          {func(w *Webhook) { w.Secret, w.SecretFile = "", file("hidden", 0o600) }, "webhook.secret_file /"},
		"no events":                         {func(w *Webhook) { w.Events = nil }, "webhook.events is empty"},
		"an event that is none":             {func(w *Webhook) { w.Events = append(w.Events, "sign_in.complete") }, `webhook.events has "sign_in.complete"`},
		"that a notice could not be told":   {func(w *Webhook) { w.Events = []string{string(auth.EventUndelivered)} }, "no event"},
		"an event, where nobody is told it": {func(w *Webhook) { *w = Webhook{Events: []string{"x"}} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := validConfig()
			c.Webhook = good
			tc.change(&c.Webhook)
			err := c.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want no fault", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want a fault with %q", err, tc.want)
			case err != nil && (strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "aGlkZGVu")):
				t.Errorf("the fault tells what nobody is to know: %v", err)
			}
		})
	}
}

func TestAllFaultsOfAWebhookAtOnce(t *testing.T) {
	c := validConfig()
	c.Webhook = Webhook{URL: "http://example.com", Secret: "x", Events: []string{"y", "z"}}
	if got := texts(c.Validate()); len(got) != 4 {
		t.Errorf("got %q, want the URL's, the secret's and two events' faults", got)
	}
}

// TestEveryEventCanBeNamed: who adds a type to package auth adds it here.
func TestEveryEventCanBeNamed(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../internal/auth/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Event") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if e := auth.EventType(text); e != auth.EventUndelivered && !slices.Contains(eventTypes(), e) {
			t.Errorf("%s cannot be named in webhook.events", e)
		}
		return true
	})
	if want := len(eventTypes()) + 1; seen != want {
		t.Errorf("package auth has %d events, want %d", seen, want)
	}
}

func TestWhoIsToldOfWhat(t *testing.T) {
	if (Config{}).Recorder().Notify != nil {
		t.Error("notices are made although nobody is told")
	}
	w := Webhook{URL: "https://example.com", Events: DefaultWebhookEvents()}
	for event, want := range map[auth.EventType]bool{
		auth.EventSignedIn: true, auth.EventDenied: true, auth.EventReported: true, auth.EventReused: true,
		auth.EventApproved: false, auth.EventClientAdded: false,
	} {
		if got := w.notify()(event); got != want {
			t.Errorf("%s by default: got %t, want %t", event, got, want)
		}
	}
	w.Events = []string{AllEvents}
	if !w.notify()(auth.EventClientAdded) {
		t.Error("of all events, one is not told")
	}
}

// receiver is the operator's own service.
type receiver struct {
	*httptest.Server
	got chan notice
}

type notice struct {
	header http.Header
	body   []byte
}

func receive(t *testing.T) receiver {
	t.Helper()
	r := receiver{got: make(chan notice, 10)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.got <- notice{req.Header, body}
	}))
	t.Cleanup(r.Close)
	return r
}

func TestTheWebhookIsToldOfAnEventAndCanVerifyIt(t *testing.T) {
	to := receive(t)
	c := demoConfig(t)
	c.Webhook = Webhook{URL: to.URL + "/notices", Secret: webhookSecret, Events: []string{string(auth.EventClientAdded)}}
	s := run(t, c, nil) // which adds the demo's client
	var n notice
	select {
	case n = <-to.got:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told")
	}
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(n.body, n.header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	for _, want := range []string{`"type":"operator.client_added"`, `"client_id":"desktop-demo"`} {
		if !strings.Contains(string(n.body), want) {
			t.Errorf("no %s in %s", want, n.body)
		}
	}
	if err := s.stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if strings.Contains(s.log.String(), webhookSecret) || strings.Contains(s.log.String(), "/notices") {
		t.Errorf("the log tells the secret or the path:\n%s", s.log)
	}
}

func TestANoticeOutlivesTheServerThatWasToSendIt(t *testing.T) {
	c := demoConfig(t)
	gone := receive(t)
	gone.Close() // nobody is there yet
	c.Webhook = Webhook{URL: gone.URL, Secret: webhookSecret, Events: []string{AllEvents}}
	s, err := New(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	to := receive(t)
	c.Webhook.URL = to.URL
	run(t, c, nil)
	select {
	case <-to.got:
	case <-time.After(30 * time.Second):
		t.Fatal("the notice from before is lost")
	}
}

func TestAStoppingServerWaitsForTheNoticeUnderWay(t *testing.T) {
	arrived, leave := make(chan struct{}, 10), make(chan struct{})
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-leave
	}))
	defer to.Close()
	c := demoConfig(t)
	c.Webhook = Webhook{URL: to.URL, Secret: webhookSecret, Events: []string{AllEvents}}
	s := run(t, c, nil)
	<-arrived
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	// The listener closes first, and meanwhile the notice is still under way.
	for conn, err := net.Dial("tcp", s.addr()); err == nil; conn, err = net.Dial("tcp", s.addr()) {
		_ = conn.Close()
	}
	close(leave)
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
	db, err := sqlite.Open(t.Context(), Database(c.DataDir), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, waiting, err := newLedger(db, time.Now, nil).read(t.Context()); err != nil || waiting != 0 {
		t.Errorf("%d notices wait, %v, want none: what was taken is not sent again", waiting, err)
	}
}
