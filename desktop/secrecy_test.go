package desktop_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// eavesdropper sees every URL on its way.
type eavesdropper struct {
	next *fake
	mu   sync.Mutex // guards urls
	urls []string
}

func (e *eavesdropper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	e.urls = append(e.urls, r.URL.String())
	e.mu.Unlock()
	e.next.ServeHTTP(w, r)
}

func TestSecretsStayOutOfLogsAndURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, logged := modern(), &bytes.Buffer{}
		e := &eavesdropper{next: f}
		n := f.plugHandler(t, e)
		c, err := desktop.New(desktop.Config{
			Issuer: f.issuer, ClientID: fakeClient,
			HTTPClient: &http.Client{Transport: n.transport(t)},
			Logger:     slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		l := start(t, c)
		synctest.Wait()
		f.drop(closeWith{})
		synctest.Wait()
		f.set(wire.StateVerifying)
		awaitState(t, l, desktop.StateVerifying)
		triesNumber(t, l, "74", desktop.ErrWrongNumber, 2)
		triesNumber(t, l, "47", nil, 0)
		s := signedIn(t, l)
		<-l.Done()
		watching(t, s)
		if err := s.Save(newMemory()); err != nil {
			t.Fatal(err)
		}
		pass(fakeLife)
		if _, err := s.UserInfo(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.SignOut(t.Context()); err != nil {
			t.Fatal(err)
		}
		if logged.Len() == 0 {
			t.Error("nothing was logged")
		}
		if len(f.watched()) < 2 {
			t.Errorf("the session was watched %d times, want before and after the renewal", len(f.watched()))
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if urls := strings.Join(e.urls, " "); strings.Contains(urls, "47") || strings.Contains(urls, "74") {
			t.Errorf("a number is in a URL: %v", urls)
		}
		for _, secret := range []string{fakeDeviceCode, fakeToken, "WDJB-MJHT", "access-2", "refresh-1", "refresh-2", "id-1"} {
			if strings.Contains(logged.String(), secret) {
				t.Errorf("%q is in the log:\n%s", secret, logged)
			}
			if strings.Contains(strings.Join(e.urls, " "), secret) {
				t.Errorf("%q is in a URL: %v", secret, e.urls)
			}
		}
	})
}

func TestARedirectDoesNotCarryTheDeviceCodeAway(t *testing.T) {
	f, away := newFake(), newFake()
	f.interval = 1
	f.onPush = refusePush(http.StatusForbidden)
	elsewhere := away.serve(t)
	f.onToken = func(n int, w httpWriter, r *httpRequest) bool {
		if n == 1 {
			http.Redirect(w, r, elsewhere.URL+wire.PathToken, http.StatusTemporaryRedirect)
		}
		return n == 1
	}
	f.serve(t)
	l := start(t, f.client(t, transport(t)))
	f.set(wire.StateApproved)
	signedIn(t, l)
	if n := len(away.pollTimes()); n != 0 {
		t.Errorf("the redirect was followed %d times", n)
	}
}
