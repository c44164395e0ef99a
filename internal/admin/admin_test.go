package admin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func operator(t *testing.T) admin.Operator {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return admin.Operator{Store: db, Now: func() time.Time { return noon }}
}

func update(t *testing.T, st store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestAddClientFillsInDefaults(t *testing.T) {
	o := operator(t)
	got, sec, err := o.AddClient(t.Context(), admin.ClientRequest{ID: "acme", Name: " Acme  Studio "})
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Client{
		ID: "acme", Name: "Acme Studio", AuthMethod: auth.AuthNone, Scopes: auth.Scopes{"openid", "profile", "offline_access"},
		RedirectURIs: []string{"http://127.0.0.1/callback", "http://[::1]/callback"},
		Lifetime:     5 * time.Minute, Interval: 5 * time.Second, CreatedAt: noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("client (-want +got):\n%s", diff)
	}
	if !sec.IsZero() {
		t.Error("a public client got a secret")
	}
	list, err := o.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]auth.Client{want}, list); diff != "" {
		t.Errorf("Clients (-want +got):\n%s", diff)
	}
}

func TestAddClientKeepsTheHashOfASecret(t *testing.T) {
	o := operator(t)
	c, sec, err := o.AddClient(t.Context(), admin.ClientRequest{ID: "kiosk", Name: "Kiosk", AuthMethod: auth.AuthSecret})
	if err != nil {
		t.Fatal(err)
	}
	if sec.IsZero() || !c.HasSecret(noon.AddDate(10, 0, 0), sec.Hash()) || !c.Confidential() {
		t.Errorf("secret %q does not belong to %+v", sec.Reveal(), c.Secrets)
	}
}

func TestAddClientStoresAllOfIt(t *testing.T) {
	o := operator(t)
	_, _, err := o.AddClient(t.Context(), admin.ClientRequest{
		ID: "full", Name: "Full", Verified: true, AuthMethod: auth.AuthPrivateKey, Keys: publicPEM(t),
		RedirectURIs: []string{"https://a.example/cb", "com.acme.app:/cb", "https://a.example/cb"},
		Resources:    []string{"https://api.example.com"}, Introspects: []string{"urn:example:files"},
		Pairwise: true, RequireDPoP: true, Scopes: []string{"openid"}, Lifetime: time.Minute, Interval: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := o.Client(t.Context(), "full")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(got.Keys), `"keys"`) || strings.Contains(string(got.Keys), `"d"`) {
		t.Errorf("keys: got %s, want a public JWK Set", got.Keys)
	}
	want := auth.Client{
		ID: "full", Name: "Full", Verified: true, AuthMethod: auth.AuthPrivateKey, Keys: got.Keys,
		RedirectURIs: []string{"https://a.example/cb", "com.acme.app:/cb"},
		Resources:    []string{"https://api.example.com"}, Introspects: []string{"urn:example:files"},
		Pairwise: true, RequireDPoP: true, Scopes: auth.Scopes{"openid"}, Lifetime: time.Minute, Interval: time.Second, CreatedAt: noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("client (-want +got):\n%s", diff)
	}
}

func TestAClientThatIsNotThere(t *testing.T) {
	if _, err := operator(t).Client(t.Context(), "nobody"); !errors.Is(err, admin.ErrNoClient) {
		t.Errorf("got %v, want ErrNoClient", err)
	}
}

// publicPEM is the public half of a key that nobody has.
func publicPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(newKey(t).Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func privatePEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAddClientRefuses(t *testing.T) {
	good := admin.ClientRequest{ID: "acme", Name: "Acme"}
	for name, tc := range map[string]struct {
		change func(*admin.ClientRequest)
		want   string
	}{
		"an empty ID":               {func(r *admin.ClientRequest) { r.ID = "" }, "client ID"},
		"an ID with a colon":        {func(r *admin.ClientRequest) { r.ID = "a:b" }, "client ID"},
		"an ID with a hyphen first": {func(r *admin.ClientRequest) { r.ID = "-a" }, "client ID"},
		"an ID of 65 letters":       {func(r *admin.ClientRequest) { r.ID = auth.ClientID(strings.Repeat("a", 65)) }, "client ID"},
		"a name of control letters": {func(r *admin.ClientRequest) { r.Name = "\x1b\x07" }, "name"},
		"a name of 65 letters":      {func(r *admin.ClientRequest) { r.Name = strings.Repeat("ä", 65) }, "name"},
		"a scope with a quote":      {func(r *admin.ClientRequest) { r.Scopes = []string{`a"b`} }, "scopes"},
		"a lifetime below 10 s":     {func(r *admin.ClientRequest) { r.Lifetime = 9 * time.Second }, "lifetime"},
		"a lifetime above 10 min":   {func(r *admin.ClientRequest) { r.Lifetime = 601 * time.Second }, "lifetime"},
		"half a second in it":       {func(r *admin.ClientRequest) { r.Lifetime = 20500 * time.Millisecond }, "lifetime"},
		"a negative interval":       {func(r *admin.ClientRequest) { r.Interval = -time.Second }, "interval"},
		"an interval above 1 min":   {func(r *admin.ClientRequest) { r.Interval = 61 * time.Second }, "interval"},
		"an unknown way to authenticate": {
			func(r *admin.ClientRequest) { r.AuthMethod = "tls_client_auth" }, `authentication method "tls_client_auth"`,
		},
		"keys for a public client": {func(r *admin.ClientRequest) { r.Keys = publicPEM(t) }, "for private_key_jwt only"},
		"keys beside a secret": {
			func(r *admin.ClientRequest) { r.AuthMethod, r.Keys = auth.AuthSecret, publicPEM(t) }, "for private_key_jwt only",
		},
		"private_key_jwt without keys": {func(r *admin.ClientRequest) { r.AuthMethod = auth.AuthPrivateKey }, "without keys"},
		"a private key": {
			func(r *admin.ClientRequest) { r.AuthMethod, r.Keys = auth.AuthPrivateKey, privatePEM(t) }, "the keys",
		},
		"a file that holds no key": {
			func(r *admin.ClientRequest) { r.AuthMethod, r.Keys = auth.AuthPrivateKey, []byte("hello") }, "the keys",
		},
		"an empty file of keys": {
			func(r *admin.ClientRequest) { r.AuthMethod, r.Keys = auth.AuthPrivateKey, []byte{} }, "the keys",
		},
		"introspection by a public client": {
			func(r *admin.ClientRequest) { r.Introspects = []string{"https://api.example"} }, "introspection by a public client",
		},
		"33 redirect URIs":     {func(r *admin.ClientRequest) { r.RedirectURIs = many(33) }, "redirect URI number 33"},
		"33 resources":         {func(r *admin.ClientRequest) { r.Resources = many(33) }, "resource number 33"},
		"a redirect to a name": {func(r *admin.ClientRequest) { r.RedirectURIs = []string{"app.example.com/cb"} }, "redirect URI"},
		"a resource of a word": {func(r *admin.ClientRequest) { r.Resources = []string{"files"} }, "resource"},
		"a word to introspect": {
			func(r *admin.ClientRequest) { r.AuthMethod, r.Introspects = auth.AuthSecret, []string{"files"} }, "introspected resource",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			tc.change(&r)
			_, _, err := operator(t).AddClient(t.Context(), r)
			if !errors.Is(err, admin.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want ErrInvalid about the %s", err, tc.want)
			}
		})
	}
}

// many makes so many URIs.
func many(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("https://%d.example", i))
	}
	return list
}

func TestAddClientReportsAllFaultsAtOnce(t *testing.T) {
	_, _, err := operator(t).AddClient(t.Context(), admin.ClientRequest{
		ID: "a b", Lifetime: time.Hour, Interval: time.Hour, Scopes: []string{`"`}, Keys: []byte("x"),
		RedirectURIs: []string{"http://a.example", "javascript:alert(1)"}, Resources: []string{"#"}, Introspects: []string{"https://a.example"},
	})
	// ID, name, lifetime, interval, scopes, two for the keys, two redirect URIs, resource, introspection.
	if got := len(strings.Split(err.Error(), "\n")); got != 11 {
		t.Errorf("got %d faults, want 11:\n%v", got, err)
	}
}

func TestAddClientRefusesATakenID(t *testing.T) {
	o := operator(t)
	r := admin.ClientRequest{ID: "acme", Name: "Acme"}
	if _, _, err := o.AddClient(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.AddClient(t.Context(), r); !errors.Is(err, admin.ErrClientExists) {
		t.Errorf("got %v, want ErrClientExists", err)
	}
}

func TestRemoveClient(t *testing.T) {
	o := operator(t)
	if _, _, err := o.AddClient(t.Context(), admin.ClientRequest{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	if err := o.RemoveClient(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if err := o.RemoveClient(t.Context(), "acme"); !errors.Is(err, admin.ErrNoClient) {
		t.Errorf("got %v, want ErrNoClient", err)
	}
}

// people adds Ada, with a passkey, a live session and one that is over, and two Bobs.
func people(t *testing.T, o admin.Operator) {
	t.Helper()
	if _, _, err := o.AddClient(t.Context(), admin.ClientRequest{ID: "acme", Name: "Acme"}); err != nil {
		t.Fatal(err)
	}
	session := func(id string, until time.Time) auth.Session {
		return auth.Session{
			ID: auth.SessionID(id), GrantID: auth.GrantID(id), UserID: "u-ada", ClientID: "acme",
			Family: secret.From(id).Hash(), CreatedAt: noon.Add(-time.Hour), ExpiresAt: until,
		}
	}
	update(t, o.Store, func(tx store.Tx) error {
		return errors.Join(
			tx.AddUser(auth.User{ID: "u-ada", Name: "Ada", CreatedAt: noon.Add(-3 * time.Hour)}),
			tx.AddUser(auth.User{ID: "u-bob1", Name: "Bob", CreatedAt: noon.Add(-2 * time.Hour)}),
			tx.AddUser(auth.User{ID: "u-bob2", Name: "bob", CreatedAt: noon.Add(-time.Hour)}),
			tx.AddPasskey(auth.Passkey{ID: []byte{1}, UserID: "u-ada", PublicKey: []byte{2}, CreatedAt: noon}),
			tx.AddSession(session("live", noon.Add(time.Hour))),
			tx.AddSession(session("over", noon)),
		)
	})
}

func TestUsersCountsWhatIsLive(t *testing.T) {
	o := operator(t)
	people(t, o)
	got, err := o.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []admin.Account{
		{User: auth.User{ID: "u-ada", Name: "Ada", CreatedAt: noon.Add(-3 * time.Hour)}, Passkeys: 1, Sessions: 1},
		{User: auth.User{ID: "u-bob1", Name: "Bob", CreatedAt: noon.Add(-2 * time.Hour)}},
		{User: auth.User{ID: "u-bob2", Name: "bob", CreatedAt: noon.Add(-time.Hour)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Users (-want +got):\n%s", diff)
	}
}

func TestAUserIsNamedByIDOrByAnUnambiguousName(t *testing.T) {
	o := operator(t)
	people(t, o)
	for name, tc := range map[string]struct {
		idOrName string
		want     auth.UserID
		err      error
	}{
		"by ID":                        {"u-bob2", "u-bob2", nil},
		"by name, whatever its case":   {"ada", "u-ada", nil},
		"by a name that two have":      {"Bob", "", admin.ErrAmbiguous},
		"by a name that nobody has":    {"Eve", "", admin.ErrNoUser},
		"by nothing":                   {"", "", admin.ErrNoUser},
		"by a name with spaces around": {"  Ada ", "u-ada", nil},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := o.Enable(t.Context(), tc.idOrName)
			if !errors.Is(err, tc.err) || err == nil && u.ID != tc.want {
				t.Errorf("got %q, %v, want %q, %v", u.ID, err, tc.want, tc.err)
			}
		})
	}
	_, err := o.Enable(t.Context(), "Bob")
	for _, id := range []string{"u-bob1", "u-bob2"} {
		if !strings.Contains(err.Error(), id) {
			t.Errorf("the error does not list %s:\n%v", id, err)
		}
	}
}

func TestDisableEndsTheSessionsAndEnableBringsNoneBack(t *testing.T) {
	o := operator(t)
	people(t, o)
	was, ended, err := o.Disable(t.Context(), "Ada")
	if err != nil || was.Disabled || ended != 2 {
		t.Fatalf("got %+v, %d, %v, want a user who was enabled and 2 sessions ended", was, ended, err)
	}
	if was, err = o.Enable(t.Context(), "Ada"); err != nil || !was.Disabled {
		t.Fatalf("got %+v, %v, want a user who was disabled", was, err)
	}
	list, err := o.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list[0].Sessions != 0 || list[0].Passkeys != 1 {
		t.Errorf("got %d sessions and %d passkeys, want 0 and 1", list[0].Sessions, list[0].Passkeys)
	}
}

func TestDisableAndEnableTellWhatWasSoAlready(t *testing.T) {
	o := operator(t)
	people(t, o)
	for i, want := range []bool{false, true} { // disabled before
		was, ended, err := o.Disable(t.Context(), "u-ada")
		if err != nil || was.Disabled != want || i > 0 && ended != 0 {
			t.Errorf("Disable, time %d: got %+v, %d, %v, want Disabled %t before", i+1, was, ended, err, want)
		}
	}
	for i, want := range []bool{true, false} {
		was, err := o.Enable(t.Context(), "u-ada")
		if err != nil || was.Disabled != want {
			t.Errorf("Enable, time %d: got %+v, %v, want Disabled %t before", i+1, was, err, want)
		}
	}
	list, err := o.Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list[0].Disabled {
		t.Errorf("got %+v, want an enabled user", list[0])
	}
}

func TestANameThatIsTooLongIsNobodys(t *testing.T) {
	o := operator(t)
	long := strings.Repeat("a", auth.MaxDeviceField)
	update(t, o.Store, func(tx store.Tx) error { return tx.AddUser(auth.User{ID: "u-long", Name: long, CreatedAt: noon}) })
	if _, err := o.RemoveUser(t.Context(), long+"b"); !errors.Is(err, admin.ErrNoUser) {
		t.Errorf("got %v, want ErrNoUser", err)
	}
	if _, err := o.RemoveUser(t.Context(), " "+long+" "); err != nil {
		t.Errorf("by the name itself: %v", err)
	}
}

func TestRemoveUser(t *testing.T) {
	o := operator(t)
	people(t, o)
	if _, err := o.RemoveUser(t.Context(), "u-ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.RemoveUser(t.Context(), "u-ada"); !errors.Is(err, admin.ErrNoUser) {
		t.Errorf("got %v, want ErrNoUser", err)
	}
}

func TestInviteANewcomer(t *testing.T) {
	o := operator(t)
	inv, token, err := o.Invite(t.Context(), admin.InviteRequest{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Invitation{Hash: token.Hash(), Name: "Ada", CreatedAt: noon, ExpiresAt: noon.Add(7 * 24 * time.Hour)}
	if diff := cmp.Diff(want, inv); diff != "" {
		t.Errorf("Invite (-want +got):\n%s", diff)
	}
	var kept auth.Invitation
	err = o.Store.View(t.Context(), func(tx store.Tx) (err error) {
		kept, err = tx.Invitation(token.Hash())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestInviteSomebodyWhoHasAnAccount(t *testing.T) {
	o := operator(t)
	people(t, o)
	inv, _, err := o.Invite(t.Context(), admin.InviteRequest{User: "Ada", Lifetime: time.Hour})
	if err != nil || inv.UserID != "u-ada" || !inv.ExpiresAt.Equal(noon.Add(time.Hour)) {
		t.Errorf("got %+v, %v, want an hour's invitation for u-ada", inv, err)
	}
}

func TestInviteRefuses(t *testing.T) {
	o := operator(t)
	people(t, o)
	if _, _, err := o.Disable(t.Context(), "Ada"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		r    admin.InviteRequest
		want error
	}{
		"a name for an account that has one": {admin.InviteRequest{Name: "A", User: "Ada"}, admin.ErrInvalid},
		"a name of 65 letters":               {admin.InviteRequest{Name: strings.Repeat("ä", 65)}, admin.ErrInvalid},
		"a name of control letters":          {admin.InviteRequest{Name: "\x1b\x07"}, admin.ErrInvalid},
		"a lifetime that has passed":         {admin.InviteRequest{Lifetime: -time.Hour}, admin.ErrInvalid},
		"a lifetime of a year":               {admin.InviteRequest{Lifetime: 365 * 24 * time.Hour}, admin.ErrInvalid},
		"a disabled account":                 {admin.InviteRequest{User: "Ada"}, admin.ErrDisabled},
		"an ambiguous name":                  {admin.InviteRequest{User: "Bob"}, admin.ErrAmbiguous},
		"nobody's name":                      {admin.InviteRequest{User: "Eve"}, admin.ErrNoUser},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := o.Invite(t.Context(), tc.r); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestInviteReportsAllFaultsAtOnce(t *testing.T) {
	_, _, err := operator(t).Invite(t.Context(), admin.InviteRequest{Name: strings.Repeat("n", 70), User: "Ada", Lifetime: time.Second})
	for _, want := range []string{"name and user together", "use at most 64 characters", "lifetime"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault with %q in:\n%v", want, err)
		}
	}
}

func TestACancelledContextChangesNothing(t *testing.T) {
	o := operator(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := o.AddClient(ctx, admin.ClientRequest{ID: "acme", Name: "Acme"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
