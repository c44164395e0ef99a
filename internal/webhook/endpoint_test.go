package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/webhook"
)

func TestNewRefuses(t *testing.T) {
	good := webhook.GenerateSecret()
	for name, tc := range map[string]struct{ url, secret string }{
		"a URL over the network without TLS": {"http://hooks.example/secret-path", good},
		"a URL without a host":               {"https:///secret-path", good},
		"a WebSocket":                        {"wss://hooks.example/secret-path", good},
		"a file":                             {"file:///secret-path", good},
		"no URL":                             {"", good},
		"no secret":                          {"https://hooks.example", ""},
		"a secret of another form":           {"https://hooks.example", "secret-word"},
		"two secrets of which one is bad":    {"https://hooks.example", good + " whsec_secret-word"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(tc.url)
			if err != nil {
				t.Fatal(err)
			}
			_, err = webhook.New(webhook.Config{URL: u, Secret: tc.secret, Store: new(sqlite.DB)})
			if err == nil {
				t.Fatal("got a sender, want an error")
			}
			if strings.Contains(err.Error(), "secret-") || strings.Contains(err.Error(), good) {
				t.Errorf("the error quotes what is secret: %v", err)
			}
		})
	}
	u := &url.URL{Scheme: "https", Host: "hooks.example"}
	if _, err := webhook.New(webhook.Config{Secret: good, Store: new(sqlite.DB)}); err == nil {
		t.Error("without a URL: got a sender, want an error")
	}
	if _, err := webhook.New(webhook.Config{URL: u, Secret: good}); err == nil {
		t.Error("without a store: got a sender, want an error")
	}
	if _, err := webhook.New(webhook.Config{URL: u, Secret: good, Store: new(sqlite.DB)}); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// TestTheDefaultClientDeliversWhatTheLibraryVerifies goes over a real connection.
func TestTheDefaultClientDeliversWhatTheLibraryVerifies(t *testing.T) {
	old, current := webhook.GenerateSecret(), webhook.GenerateSecret()
	requests := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		requests <- request{id: r.Method + " " + r.URL.String(), header: r.Header, body: string(body)}
		w.WriteHeader(http.StatusOK)
		for r.Context().Err() == nil { // a body without an end
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL + "/hook?token=1")
	if err != nil {
		t.Fatal(err)
	}
	st := openStore(t)
	addNotice(t, st)
	s, err := webhook.New(webhook.Config{URL: u, Secret: current + " " + old, Store: st})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(ended)
	}()
	got := <-requests
	cancel()
	<-ended

	if got.id != "POST /hook?token=1" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s with %v", got.id, got.header)
	}
	for name, text := range map[string]string{"current": current, "old": old} {
		verifier, err := standardwebhooks.NewWebhook(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify([]byte(got.body), got.header); err != nil {
			t.Errorf("with the %s secret: %v", name, err)
		}
		if err := verifier.Verify([]byte(got.body+" "), got.header); err == nil {
			t.Errorf("with the %s secret another body verifies too", name)
		}
	}
	stranger, err := standardwebhooks.NewWebhook(webhook.GenerateSecret())
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Verify([]byte(got.body), got.header); err == nil {
		t.Error("it verifies with another secret")
	}
	var due []auth.Message
	err = st.View(t.Context(), func(tx store.Tx) (err error) {
		due, err = tx.DueMessages(time.Now().Add(1000*time.Hour), 10)
		return err
	})
	if err != nil || len(due) != 0 {
		t.Errorf("the outbox has %+v, %v; want nothing", due, err)
	}
}

func openStore(t *testing.T) *sqlite.DB {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "qrauthd.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func addNotice(t *testing.T, st store.Store) {
	t.Helper()
	recorder := audit.Recorder{Notify: func(auth.EventType) bool { return true }}
	err := st.Update(t.Context(), func(tx store.Tx) error {
		return recorder.Record(tx, time.Now(), auth.Event{Type: auth.EventDenied, Actor: auth.ActorPerson})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheSignatureIsThatOfTheSpecification makes it as Standard Webhooks 1.0 says,
// section "Signature scheme".
func TestTheSignatureIsThatOfTheSpecification(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.signedIn(1)
		w.clock.Advance(90 * time.Second)
		defer w.run(w.config(w.store))()
		w.wait(time.Second)
		got := w.requests()[0]
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(anotherSecret, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%d.%s", got.id, got.at.Unix(), got.body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); got.signature != want {
			t.Errorf("got the signature %s, want %s", got.signature, want)
		}
		if want := fmt.Sprint(got.at.Unix()); got.header.Get("webhook-timestamp") != want {
			t.Errorf("got the timestamp %s, want that of the try, %s", got.header.Get("webhook-timestamp"), want)
		}
	})
}

// endless is a body that counts what is read of it.
type endless struct {
	read   int
	closed bool
}

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func (e *endless) Close() error {
	e.closed = true
	return nil
}

func TestLittleOfAnAnswerIsRead(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		body := new(endless)
		w.answer = func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: body}, nil
		}
		w.signedIn(1)
		stop := w.run(w.config(w.store))
		w.wait(time.Second)
		stop()
		if body.read > 64<<10 || !body.closed {
			t.Errorf("read %d bytes, closed: %t; want 64 KiB at most", body.read, body.closed)
		}
		if got := len(w.outbox()); got != 0 {
			t.Errorf("%d are left, want none", got)
		}
	})
}
