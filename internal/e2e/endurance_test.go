package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// startByHand asks for a grant without the SDK.
func startByHand(t *testing.T, s *server) wire.DeviceAuthorization {
	t.Helper()
	r, err := http.PostForm(s.issuer+wire.PathDeviceAuthorization, url.Values{
		"client_id": {demoClient}, "device_name": {"ALICE-PC"}, "device_platform": {"Windows 11"}, "app_version": {"1.4.2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var d wire.DeviceAuthorization
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("device authorization: %s, %v", r.Status, err)
	}
	return d
}

// approvedByHand is a grant that a phone has approved and nobody has redeemed.
func approvedByHand(t *testing.T, s *server) (wire.DeviceAuthorization, *phone) {
	t.Helper()
	d := startByHand(t, s)
	p := newPhone(t)
	p.approve(d.VerificationURIComplete)
	p.see("Approved. Look at your computer.")
	return d, p
}

// redeem polls once and wants the tokens.
func redeem(t *testing.T, s *server, d wire.DeviceAuthorization) wire.Token {
	t.Helper()
	r, err := http.PostForm(s.issuer+wire.PathToken, tokenForm(d.DeviceCode))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var token wire.Token
	if err := json.NewDecoder(r.Body).Decode(&token); err != nil || r.StatusCode != http.StatusOK || token.AccessToken == "" {
		t.Fatalf("no token: %s, %v", r.Status, err)
	}
	return token
}

// tokenForm is a poll of the device code.
func tokenForm(deviceCode string) url.Values {
	return url.Values{"grant_type": {wire.GrantTypeDeviceCode}, "client_id": {demoClient}, "device_code": {deviceCode}}
}

func TestAnApprovalSurvivesKillMinusNine(t *testing.T) {
	s := serve(t)
	d, p := approvedByHand(t, s)
	s.kill()
	s.start(t)
	redeem(t, s, d)
	p.see("You're signed in on ALICE-PC")
}

func TestADesktopSurvivesKillMinusNineWhileItWaits(t *testing.T) {
	s := serve(t)
	login := begin(t, sdk(t, s.issuer))
	until(t, "the socket is up", func() bool { return login.Current().Pushed })
	s.kill()
	until(t, "the desktop notices", func() bool { return login.Current().Offline })
	s.start(t)
	until(t, "the socket is up again", func() bool { return login.Current().Pushed && !login.Current().Offline })
	p := newPhone(t)
	p.approve(login.Current().Link())
	signedIn(t, login)
}

func TestADesktopComesBackAfterARestart(t *testing.T) {
	s := serve(t)
	login := begin(t, sdk(t, s.issuer))
	p := newPhone(t)
	p.open(login.Current().Link())
	reach(t, login, desktop.StateScanned)
	s.stop()
	s.start(t)
	until(t, "the socket is up again", func() bool { return login.Current().Pushed && !login.Current().Offline })
	p.join("Ada")
	p.press("Approve")
	signedIn(t, login)
	p.see("You're signed in on ALICE-PC")
}

func TestFiftyParallelRedeemsYieldOneToken(t *testing.T) {
	s := serve(t)
	d, _ := approvedByHand(t, s)
	var tokens, refused atomic.Int32
	var polls sync.WaitGroup
	for range 50 {
		polls.Go(func() {
			r, err := http.PostForm(s.issuer+wire.PathToken, tokenForm(d.DeviceCode))
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			var e wire.Error
			_ = json.NewDecoder(r.Body).Decode(&e)
			switch {
			case r.StatusCode == http.StatusOK:
				tokens.Add(1)
			case e.Code == wire.CodeInvalidGrant:
				refused.Add(1)
			default:
				t.Errorf("got %s %s", r.Status, e.Code)
			}
		})
	}
	polls.Wait()
	if tokens.Load() != 1 || refused.Load() != 49 {
		t.Errorf("got %d tokens and %d invalid_grant, want 1 and 49", tokens.Load(), refused.Load())
	}
}

// The code's life is a minute of real time, so this test takes one; the others
// run beside it.
func TestARotatedOutCodeIsRefusedAndTheGrantGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t)
	d := startByHand(t, s)
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), d.PushURI, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hello := wire.ClientFrame{Type: wire.FrameHello, ClientID: demoClient, DeviceCode: d.DeviceCode}
	if err := conn.WriteJSON(hello); err != nil {
		t.Fatal(err)
	}
	next := func() (snap wire.Snapshot) {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(grant.RotateEvery + patience))
		if err := conn.ReadJSON(&snap); err != nil {
			t.Fatal(err)
		}
		return snap
	}
	if first := next(); first.UserCode != d.UserCode {
		t.Fatalf("the first snapshot has %s, want %s", first.UserCode, d.UserCode)
	}
	second := next()
	if second.UserCode == d.UserCode || second.State != wire.StatePending {
		t.Fatalf("after %ds: got %s %s, want a fresh code of the pending grant", int(grant.RotateEvery.Seconds()), second.State, second.UserCode)
	}
	p := newPhone(t)
	opens := func(link string) bool {
		r, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	}
	if !opens(d.VerificationURIComplete) {
		t.Error("the old code is refused within its grace")
	}
	until(t, "the old code's grace ends", func() bool { return !opens(d.VerificationURIComplete) })
	p.open(d.VerificationURIComplete)
	p.see("code")
	p.shoot("unknown-code")
	if p.has("Approve") {
		t.Error("the old code still asks the question")
	}
	p.approve(second.VerificationURIComplete)
	for next().State != wire.StateApproved {
	}
}

func TestALinkPreviewApprovesAndClaimsNothing(t *testing.T) {
	s := serve(t)
	login := begin(t, sdk(t, s.issuer))
	for range 3 {
		r, err := http.Get(login.Current().Link())
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	if got := login.Current().State; got != desktop.StatePending {
		t.Errorf("after a link preview: got %s, want pending", got)
	}
}

func TestNothingSecretReachesTheServersLog(t *testing.T) {
	s := serve(t)
	d, p := approvedByHand(t, s)
	token := redeem(t, s, d)
	p.see("You're signed in on ALICE-PC")
	s.stop()
	for what, sensitive := range map[string]string{
		"the device code": d.DeviceCode, "the user code": d.UserCode, "the access token": token.AccessToken,
	} {
		if strings.Contains(s.log(), sensitive) {
			t.Errorf("%s is in the log", what)
		}
	}
}
