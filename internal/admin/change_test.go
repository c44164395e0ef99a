package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// added adds a client.
func added(t *testing.T, o admin.Operator, r admin.ClientRequest) (auth.Client, secret.Text) {
	t.Helper()
	c, sec, err := o.AddClient(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return c, sec
}

func ptr[T any](v T) *T { return &v }

func setClient(c auth.Client) func(store.Tx) error {
	return func(tx store.Tx) error { return tx.SetClient(c) }
}

// later is the operator some time after.
func later(o admin.Operator, by time.Duration) admin.Operator {
	was := o.Now
	o.Now = func() time.Time { return was().Add(by) }
	return o
}

func TestUpdateClientChangesOnlyWhatIsNamed(t *testing.T) {
	full := admin.ClientRequest{
		ID: "acme", Name: "Acme", Verified: true, AuthMethod: auth.AuthSecret, RedirectURIs: []string{"https://a.example/cb"},
		Resources: []string{"https://api.example"}, Introspects: []string{"https://api.example"}, Pairwise: true, RequireDPoP: true,
		Scopes: []string{"openid"}, Lifetime: time.Minute, Interval: time.Second,
	}
	for name, tc := range map[string]struct {
		change admin.ClientChange
		want   func(*auth.Client)
	}{
		"the name":                {admin.ClientChange{Name: ptr(" New  Name ")}, func(c *auth.Client) { c.Name = "New Name" }},
		"that it is not verified": {admin.ClientChange{Verified: ptr(false)}, func(c *auth.Client) { c.Verified = false }},
		"redirect URIs": {
			admin.ClientChange{RedirectURIs: []string{"https://b.example", "https://b.example"}},
			func(c *auth.Client) { c.RedirectURIs = []string{"https://b.example"} },
		},
		"no redirect URIs":      {admin.ClientChange{RedirectURIs: []string{}}, func(c *auth.Client) { c.RedirectURIs = nil }},
		"resources":             {admin.ClientChange{Resources: []string{"urn:a:b"}}, func(c *auth.Client) { c.Resources = []string{"urn:a:b"} }},
		"no introspection":      {admin.ClientChange{Introspects: []string{}}, func(c *auth.Client) { c.Introspects = nil }},
		"subjects":              {admin.ClientChange{Pairwise: ptr(false)}, func(c *auth.Client) { c.Pairwise = false }},
		"DPoP":                  {admin.ClientChange{RequireDPoP: ptr(false)}, func(c *auth.Client) { c.RequireDPoP = false }},
		"scopes":                {admin.ClientChange{Scopes: []string{"openid", "files"}}, func(c *auth.Client) { c.Scopes = auth.Scopes{"openid", "files"} }},
		"the default scopes":    {admin.ClientChange{Scopes: []string{}}, func(c *auth.Client) { c.Scopes = auth.DefaultScopes() }},
		"the lifetime":          {admin.ClientChange{Lifetime: ptr(2 * time.Minute)}, func(c *auth.Client) { c.Lifetime = 2 * time.Minute }},
		"the interval":          {admin.ClientChange{Interval: ptr(9 * time.Second)}, func(c *auth.Client) { c.Interval = 9 * time.Second }},
		"the same secret again": {admin.ClientChange{AuthMethod: ptr(auth.AuthSecret)}, func(*auth.Client) {}},
		"two things": {
			admin.ClientChange{Name: ptr("Two"), Verified: ptr(false)},
			func(c *auth.Client) { c.Name, c.Verified = "Two", false },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			want, _ := added(t, o, full)
			tc.want(&want)
			got, sec, err := later(o, time.Hour).UpdateClient(t.Context(), "acme", tc.change)
			if err != nil || !sec.IsZero() {
				t.Fatalf("got %v, a secret: %t, want no error and no secret", err, !sec.IsZero())
			}
			stored, err := o.Client(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("returned (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, stored); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnotherWayToAuthenticateDropsWhatTheOneBeforeUsed(t *testing.T) {
	o := operator(t)
	_, old := added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", AuthMethod: auth.AuthSecret})

	keyed, sec, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{AuthMethod: ptr(auth.AuthPrivateKey), Keys: publicPEM(t)})
	if err != nil || !sec.IsZero() || keyed.Secrets != nil || len(keyed.Keys) == 0 {
		t.Fatalf("to keys: got %+v, %v, want keys and no secrets", keyed, err)
	}
	public, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{AuthMethod: ptr(auth.AuthNone)})
	if err != nil || public.Keys != nil || public.Confidential() {
		t.Fatalf("to nothing: got %+v, %v, want a public client without keys", public, err)
	}
	secretive, sec, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{AuthMethod: ptr(auth.AuthSecret)})
	if err != nil || sec.IsZero() || !secretive.HasSecret(noon, sec.Hash()) {
		t.Fatalf("to a secret: got %+v, %v, want a new secret", secretive, err)
	}
	if secretive.HasSecret(noon, old.Hash()) {
		t.Error("the secret from before works again")
	}
}

func TestUpdateClientRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change admin.ClientChange
		err    error
		want   string
	}{
		"nothing":                           {admin.ClientChange{}, admin.ErrInvalid, "a change of nothing"},
		"no name":                           {admin.ClientChange{Name: ptr("")}, admin.ErrInvalid, "empty name"},
		"a lifetime of nothing":             {admin.ClientChange{Lifetime: ptr(time.Duration(0))}, admin.ErrInvalid, "lifetime"},
		"keys for one that has a secret":    {admin.ClientChange{Keys: publicPEM(t)}, admin.ErrInvalid, "private_key_jwt only"},
		"keys that are promised":            {admin.ClientChange{AuthMethod: ptr(auth.AuthPrivateKey)}, admin.ErrInvalid, "without keys"},
		"to be public and to introspect on": {admin.ClientChange{AuthMethod: ptr(auth.AuthNone)}, admin.ErrInvalid, "introspection by a public"},
		"no way to authenticate":            {admin.ClientChange{AuthMethod: ptr(auth.AuthMethod(""))}, admin.ErrInvalid, `method ""`},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			want, _ := added(t, o, admin.ClientRequest{
				ID: "acme", Name: "Acme", AuthMethod: auth.AuthSecret, Introspects: []string{"https://a.example"},
			})
			_, sec, err := o.UpdateClient(t.Context(), "acme", tc.change)
			if !errors.Is(err, tc.err) || !strings.Contains(err.Error(), tc.want) || !sec.IsZero() {
				t.Errorf("got %v, want %v with %q", err, tc.err, tc.want)
			}
			got, err := o.Client(t.Context(), "acme")
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("it was changed: %v\n%s", err, diff)
			}
		})
	}
}

func TestUpdateClientThatIsNotThere(t *testing.T) {
	if _, _, err := operator(t).UpdateClient(t.Context(), "acme", admin.ClientChange{Verified: ptr(true)}); !errors.Is(err, admin.ErrNoClient) {
		t.Errorf("got %v, want ErrNoClient", err)
	}
}

func TestRotateSecret(t *testing.T) {
	const h = time.Hour
	type try struct {
		secret int           // 0: the first
		at     time.Duration // after noon
		works  bool
	}
	for name, tc := range map[string]struct {
		at       []time.Duration // of each rotation, after noon
		overlaps []time.Duration
		tries    []try
	}{
		"the old one works beside the new one for the overlap": {
			[]time.Duration{h},
			[]time.Duration{24 * h},
			[]try{{0, 25*h - time.Second, true}, {0, 25 * h, false}, {1, h, true}, {1, 9000 * h, true}},
		},
		"without an overlap it ends at once": {
			[]time.Duration{h},
			[]time.Duration{0},
			[]try{{0, h, false}, {1, h, true}},
		},
		"with a third the first ends at once": {
			[]time.Duration{h, 2 * h},
			[]time.Duration{24 * h, 24 * h},
			[]try{{0, 2 * h, false}, {1, 26*h - time.Second, true}, {1, 26 * h, false}, {2, 9000 * h, true}},
		},
		"one that has ended stays so": {
			[]time.Duration{h, 30 * h},
			[]time.Duration{24 * h, 720 * h},
			[]try{{0, 30 * h, false}, {1, 700 * h, true}, {2, 9000 * h, true}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			_, first := added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", AuthMethod: auth.AuthSecret})
			secrets := []secret.Text{first}
			var c auth.Client
			for i, at := range tc.at {
				var sec secret.Text
				var err error
				if c, sec, err = later(o, at).RotateSecret(t.Context(), "acme", tc.overlaps[i]); err != nil {
					t.Fatal(err)
				}
				secrets = append(secrets, sec)
			}
			stored, err := o.Client(t.Context(), "acme")
			if diff := cmp.Diff(c, stored); err != nil || diff != "" {
				t.Errorf("stored is another than returned: %v\n%s", err, diff)
			}
			for _, try := range tc.tries {
				if got := stored.HasSecret(noon.Add(try.at), secrets[try.secret].Hash()); got != try.works {
					t.Errorf("secret %d works after %s: got %t, want %t", try.secret, try.at, got, try.works)
				}
			}
			if len(stored.Secrets) > 2 {
				t.Errorf("%d secrets are kept, want two at most", len(stored.Secrets))
			}
		})
	}
}

// TestAnOldSecretIsNotGivenMoreTime: the newest secret may have been told to end, by
// whoever wrote the record.
func TestAnOldSecretIsNotGivenMoreTime(t *testing.T) {
	o := operator(t)
	c, first := added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", AuthMethod: auth.AuthSecret})
	c.Secrets[0].ExpiresAt = noon.Add(time.Hour)
	update(t, o.Store, setClient(c))
	got, _, err := o.RotateSecret(t.Context(), "acme", 24*time.Hour)
	if err != nil || got.HasSecret(noon.Add(time.Hour), first.Hash()) || !got.HasSecret(noon, first.Hash()) {
		t.Errorf("got %+v, %v, want a secret that ends after an hour as it was to", got.Secrets, err)
	}
}

func TestRotateSecretRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		id      auth.ClientID
		overlap time.Duration
		want    error
	}{
		"a public client":          {"public", 0, admin.ErrNoSecret},
		"a client that signs":      {"keyed", 0, admin.ErrNoSecret},
		"nobody":                   {"nobody", 0, admin.ErrNoClient},
		"an overlap before now":    {"acme", -time.Second, admin.ErrInvalid},
		"an overlap of two months": {"acme", 60 * 24 * time.Hour, admin.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", AuthMethod: auth.AuthSecret})
			added(t, o, admin.ClientRequest{ID: "public", Name: "Public"})
			added(t, o, admin.ClientRequest{ID: "keyed", Name: "Keyed", AuthMethod: auth.AuthPrivateKey, Keys: publicPEM(t)})
			if _, sec, err := o.RotateSecret(t.Context(), tc.id, tc.overlap); !errors.Is(err, tc.want) || !sec.IsZero() {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
