package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// openIDClient is the library from npm in a folder of its own, installed once.
var openIDClient struct {
	once sync.Once
	dir  string
	out  []byte
	err  error
}

// npm installs the library and returns its folder.
func npm(t *testing.T) string {
	t.Helper()
	o := &openIDClient
	o.once.Do(func() {
		o.dir = filepath.Join(binaries, "openid-client")
		if o.err = os.CopyFS(o.dir, os.DirFS("testdata/openid-client")); o.err != nil {
			return
		}
		install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = o.dir
		o.out, o.err = install.CombinedOutput()
	})
	if o.err != nil {
		t.Fatalf("install openid-client (`make deps` installs npm): %v\n%s", o.err, o.out)
	}
	return o.dir
}

// javaScript runs the client of testdata with those settings.
func javaScript(t *testing.T, settings ...string) *process {
	t.Helper()
	dir := npm(t)
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(string(version), "v18.") { // where Web Crypto has to be asked for
		settings = append(settings, "NODE_OPTIONS=--experimental-global-webcrypto")
	}
	return spawn(t, settings, "node", filepath.Join(dir, "client.mjs"))
}

// through has the phone approve what the client asks for, by the device grant and
// by the authorization code, and waits for every step of both.
func through(t *testing.T, p *phone, app *process, steps []string) {
	t.Helper()
	app.line("done discovery")
	for _, flow := range []string{"device", "code"} {
		p.open(app.line("approve "))
		p.press("Approve")
		for _, step := range append(steps, flow) {
			app.line("done " + step)
		}
	}
	if code := app.exit(); code != 0 {
		t.Errorf("the client ended with %d", code)
	}
}

func TestACertifiedLibraryFromNpmCompletesEveryFlow(t *testing.T) {
	s := serve(t)
	sec := s.confidential(t, "kiosk", "--redirect-uri", "http://127.0.0.1/callback")
	key, public := clientKey(t)
	s.operate(t, "client", "add", "signing-kiosk", "--name", "Kiosk", "--auth-method", "private_key_jwt", "--keys", public,
		"--redirect-uri", "http://127.0.0.1/callback")
	p := newPhone(t)
	p.signUp(s, "Ada")
	confidential := []string{"userinfo", "refresh", "introspection", "revocation"}
	open := []string{"userinfo", "refresh", "revocation"}
	for name, tt := range map[string]struct {
		settings, steps []string
	}{
		"a public client":                           {[]string{"CLIENT_ID=" + demoClient}, open},
		"a public client with DPoP":                 {[]string{"CLIENT_ID=" + demoClient, "DPOP=1"}, open},
		"a client with a secret":                    {[]string{"CLIENT_ID=kiosk", "CLIENT_SECRET=" + sec}, confidential},
		"a client with a secret and DPoP":           {[]string{"CLIENT_ID=kiosk", "CLIENT_SECRET=" + sec, "DPOP=1"}, confidential},
		"a client that signs assertions, with DPoP": {[]string{"CLIENT_ID=signing-kiosk", "CLIENT_KEY=" + key, "DPOP=1"}, confidential},
	} {
		t.Run(name, func(t *testing.T) {
			through(t, p.in(t), javaScript(t, append(tt.settings, "ISSUER="+s.issuer)...), tt.steps)
		})
	}
}

// clientKey makes a key pair: the private JWK, and a file with the public one.
func clientKey(t *testing.T) (private, publicFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "one", Algorithm: "ES256", Use: "sig"}
	text, err := json.Marshal(jwk)
	if err != nil {
		t.Fatal(err)
	}
	public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	publicFile = filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(publicFile, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return string(text), publicFile
}
