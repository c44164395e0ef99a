package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/webhook"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// receiver is the operator's service that is told of events.
type receiver struct {
	t      *testing.T
	secret string
	config string // the server's configuration file
	status atomic.Int32
	came   chan delivery
}

// delivery is a notice as it came over the network.
type delivery struct {
	id     string
	header http.Header
	body   []byte
	notice struct {
		Type      auth.EventType
		Timestamp time.Time
		Data      struct {
			Actor     string
			ClientID  string `json:"client_id"`
			UserName  string `json:"user_name"`
			Device    string `json:"device_name"`
			SessionID string `json:"session_id"`
		}
	}
}

// hiddenPath is a secret of the operator's, as that of many services is.
const hiddenPath = "/hooks/T0pS3cr3tPath"

// receive listens, and writes a configuration that tells of it.
func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, secret: webhook.GenerateSecret(), came: make(chan delivery, 100)}
	r.status.Store(http.StatusNoContent)
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil || req.Method != http.MethodPost || req.URL.Path != hiddenPath {
			t.Errorf("got %s %s, %v", req.Method, req.URL, err)
		}
		w.WriteHeader(int(r.status.Load()))
		r.came <- delivery{id: req.Header.Get("webhook-id"), header: req.Header, body: body}
	}))
	t.Cleanup(at.Close)
	dir := t.TempDir()
	r.config = filepath.Join(dir, "qrauthd.toml")
	secretFile := filepath.Join(dir, "webhook")
	for name, text := range map[string]string{
		r.config:   fmt.Sprintf("[webhook]\nurl = %q\nsecret_file = %q\n", at.URL+hiddenPath, secretFile),
		secretFile: r.secret + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// next waits for a notice, and wants it to be signed.
func (r *receiver) next() (d delivery) {
	r.t.Helper()
	select {
	case d = <-r.came:
	case <-time.After(patience):
		r.t.Fatal("no notice has come")
	}
	verifier, err := standardwebhooks.NewWebhook(r.secret)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := verifier.Verify(d.body, d.header); err != nil {
		r.t.Errorf("the signature: %v", err)
	}
	if err := verifier.Verify(append(slices.Clone(d.body), ' '), d.header); err == nil {
		r.t.Error("the signature holds for another body")
	}
	if err := json.Unmarshal(d.body, &d.notice); err != nil {
		r.t.Fatalf("%v in %s", err, d.body)
	}
	if age := time.Since(d.notice.Timestamp); age < 0 || age > 2*patience {
		r.t.Errorf("the notice is of something %s ago", age)
	}
	return d
}

// wants is next for a notice of that.
func (r *receiver) wants(event auth.EventType) delivery {
	r.t.Helper()
	d := r.next()
	if data := d.notice.Data; d.notice.Type != event || data.ClientID != demoClient || data.Device != "ALICE-PC" {
		r.t.Fatalf("got %s, want %s", d.body, event)
	}
	return d
}

// signIn signs a computer in whose tokens are bound to no key.
func signIn(t *testing.T, s *server, h *handset) (*computer, wire.Token) {
	t.Helper()
	c := newComputer(t, s.issuer).begin()
	h.approve(h.scan(c.VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
	return c, c.tokens()
}

func TestTheOperatorsServiceIsToldAndLearnsNoSecret(t *testing.T) {
	t.Parallel()
	r := receive(t)
	s := serve(t, "--config", r.config, "--log-level", "debug")
	h := newHandset(t, s.issuer)
	secrets := append(h.join("Ada"), h.cookie(), r.secret, hiddenPath)

	c, tok := signIn(t, s, h)
	in := r.wants(auth.EventSignedIn)
	if in.notice.Data.UserName != "Ada" || in.notice.Data.Actor != "desktop" {
		t.Errorf("of a sign-in it says %s", in.body)
	}
	var next wire.Token
	c.renew(tok).into(t, &next)
	c.renew(tok).want(t, "the same token once more", http.StatusBadRequest, wire.CodeInvalidGrant)
	reused := r.wants(auth.EventReused)
	if reused.notice.Data.SessionID != in.notice.Data.SessionID {
		t.Errorf("of a token that came twice it says %s, want session %s", reused.body, in.notice.Data.SessionID)
	}

	unwanted := newComputer(t, s.issuer).begin()
	opening := h.scan(unwanted.VerificationURIComplete)
	h.deny(opening)
	denied := r.wants(auth.EventDenied)
	if denied.notice.Data.Actor != "person" {
		t.Errorf("of a denial it says %s", denied.body)
	}

	other, theirs := signIn(t, s, h)
	session := r.wants(auth.EventSignedIn).notice.Data.SessionID
	h.press("/devices/"+session+"/report", nil).want(t, "report", http.StatusSeeOther, "")
	reported := r.wants(auth.EventReported)
	if reported.notice.Data.SessionID != session {
		t.Errorf("of a report it says %s, want session %s", reported.body, session)
	}

	secrets = append(secrets, opening, c.DeviceCode, c.UserCode, unwanted.DeviceCode, unwanted.UserCode, other.DeviceCode, other.UserCode)
	for _, tok := range []wire.Token{tok, next, theirs} {
		secrets = append(secrets, tok.AccessToken, tok.RefreshToken, tok.IDToken)
	}
	told := s.log()
	for _, d := range []delivery{in, reused, denied, reported} {
		told += string(d.body) + fmt.Sprint(d.header)
	}
	for _, secret := range secrets {
		if secret == "" || strings.Contains(told, secret) {
			t.Errorf("the secret %q is in what was told:\n%s", secret, told)
		}
	}
}

// renew brings the refresh token.
func (c *computer) renew(tok wire.Token) answer {
	c.t.Helper()
	return c.send(wire.PathToken, url.Values{"grant_type": {wire.GrantTypeRefresh}, "refresh_token": {tok.RefreshToken}})
}

func TestANoticeThatWasNotTakenOutlivesKillMinusNine(t *testing.T) {
	t.Parallel()
	r := receive(t)
	r.status.Store(http.StatusInternalServerError)
	s := serve(t, "--config", r.config)
	h := newHandset(t, s.issuer)
	h.join("Ada")
	signIn(t, s, h)
	refused := r.wants(auth.EventSignedIn)
	until(t, "the server notes that it was not taken", func() bool {
		return strings.Contains(s.log(), "a notice was not taken; it is tried again")
	})
	s.kill()
	before := s.log()
	r.status.Store(http.StatusNoContent)
	s.start(t)
	taken := r.wants(auth.EventSignedIn)
	if taken.id == "" || taken.id != refused.id || !bytes.Equal(taken.body, refused.body) {
		t.Errorf("after the restart: got %q %s, want %q %s", taken.id, taken.body, refused.id, refused.body)
	}
	for _, secret := range []string{r.secret, hiddenPath} {
		if strings.Contains(before+s.log(), secret) {
			t.Errorf("the server's log tells %s:\n%s%s", secret, before, s.log())
		}
	}
}
