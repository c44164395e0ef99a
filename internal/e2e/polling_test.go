package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"golang.org/x/oauth2"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestWithTheSocketRefusedPollingCompletes(t *testing.T) {
	s, f := serveBehind(t)
	f.refuseUpgrade.Store(true)
	login := begin(t, sdk(t, s.issuer))
	p := newPhone(t)
	p.approve(login.Current().Link())
	if who := name(t, signedIn(t, login)); who != "Ada" {
		t.Errorf("got a session of %q, want Ada's", who)
	}
	if login.Current().Pushed {
		t.Error("the socket was up")
	}
	p.see("You're signed in on ALICE-PC")
}

func TestAPlainOAuthLibraryCompletes(t *testing.T) {
	s := serve(t)
	var meta wire.Metadata
	getJSON(t, s.issuer+wire.WellKnownMetadata, &meta)
	conf := oauth2.Config{
		ClientID: demoClient,
		Scopes:   []string{"openid", "profile"},
		Endpoint: oauth2.Endpoint{DeviceAuthURL: meta.DeviceAuthorizationEndpoint, TokenURL: meta.TokenEndpoint},
	}
	auth, err := conf.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := newPhone(t)
	p.open(auth.VerificationURI) // typed by hand
	p.shoot("enter-code")
	p.fill("Code", auth.UserCode)
	p.press("Continue")
	p.join("Ada")
	p.press("Approve")
	p.see("Approved. Look at your computer.")
	token, err := conf.DeviceAccessToken(t.Context(), auth)
	if err != nil {
		t.Fatal(err)
	}
	var info wire.UserInfo
	r, err := conf.Client(t.Context(), token).Get(meta.UserInfoEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&info); err != nil || info.Name != "Ada" {
		t.Errorf("userinfo: got %q, %v; want Ada", info.Name, err)
	}
	p.see("You're signed in on your computer")
}

func getJSON(t *testing.T, address string, into any) {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
