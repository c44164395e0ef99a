package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

func roundTrips() []testCase {
	return []testCase{
		{"every field of every noun reads back as it was added", everyField},
		{"a noun with nothing but its key reads back as it was added", emptyFields},
		{"any grant reads back as it was added and as it was set", anyGrant},
		{"what a grant began with stays as it was added", beginningStays},
		{"a glance at a grant says of a poll what the grant does, in every state", glances},
		{"any session reads back as it was added and as it was set", anySession},
		{"any client reads back as it was added and as it was set", anyClient},
		{"a time reads back in UTC to the microsecond", timesToTheMicrosecond},
		{"what is said of a policy reads back, and what is not does not", policySaid},
		{"an empty collection reads back as nil", emptyCollections},
		{"a record reads back as it was set, and what belongs to it stays", setRecords},
		{"a record that is set to nothing but its key reads back so", setToNothing},
		{"a browser that is put again replaces the one before", putAgain},
		{"recovery codes that are set again replace the ones before", codesSetAgain},
		{"lists come in their order", listsInOrder},
	}
}

func everyField(t *testing.T, s store.Store) { seed(t, s).check(t, s) }

func emptyFields(t *testing.T, s store.Store) {
	k := samples{
		grant:      grant.Grant{ID: "g"},
		client:     auth.Client{ID: "c"},
		user:       auth.User{ID: "u"},
		passkey:    auth.Passkey{ID: []byte{0}, UserID: "u"},
		session:    auth.Session{ID: "s", UserID: "u", ClientID: "c"},
		refresh:    auth.Refresh{Hash: hash("refresh"), SessionID: "s"},
		key:        auth.Key{ID: "k"},
		replay:     auth.Replay{Hash: hash("replay")},
		browser:    auth.Browser{ID: "b", UserID: "u"},
		invitation: auth.Invitation{Hash: hash("invitation")},
		codes:      []auth.RecoveryCode{{Hash: hash("code"), UserID: "u"}},
		ceremony:   auth.Ceremony{Hash: hash("ceremony")},
		record:     auth.AuditRecord{Seq: 1},
		message:    auth.Message{ID: "m"},
		familiar:   auth.Familiar{UserID: "u", Kind: auth.FamiliarKey},
		block:      auth.Block{Kind: auth.BlockKey},
	}
	update(t, s, k.add)
	k.check(t, s)
}

func anyGrant(t *testing.T, s store.Store) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		first := drawGrant(rt, n, 0)
		for i, g := range []grant.Grant{first, changed(first, drawGrant(rt, n, 2))} {
			update(t, s, func(tx store.Tx) error {
				if i == 0 {
					return tx.AddGrant(g)
				}
				return tx.SetGrant(g)
			})
			equal(t, "grant", found(t, s, store.Tx.Grant, g.ID), g)
			equal(t, "glance", glanced(t, s, g.ID), g.Glance())
			for _, code := range []grant.UserCode{g.Code, g.OldCode} {
				if code != "" {
					equal(t, "grant by code", found(t, s, store.Tx.GrantByUserCode, code), g)
				}
			}
		}
	})
}

func beginningStays(t *testing.T, s store.Store) {
	first, other := sampleGrant(0), sampleGrant(1)
	update(t, s, func(tx store.Tx) error { return tx.AddGrant(first) })
	other.ID, other.Code, other.OldCode = first.ID, first.Code, first.OldCode
	other.ClientID, other.Device, other.Origin, other.Crowded = "another", auth.Device{}, netip.Addr{}, !first.Crowded
	other.Interval, other.CreatedAt, other.ExpiresAt = time.Hour, epoch.Add(time.Hour), epoch.Add(2*time.Hour)
	other.Resources, other.KeyThumbprint, other.Nonce = nil, "another", "another"
	other.Redirect = grant.Redirect{URI: "another:/", State: "another", Challenge: "another", Subject: "another"}
	update(t, s, func(tx store.Tx) error { return tx.SetGrant(other) })
	equal(t, "grant", found(t, s, store.Tx.Grant, first.ID), changed(first, other))
}

func glanced(t *testing.T, s store.Store, id auth.GrantID) grant.Glance {
	t.Helper()
	g, err := s.Glance(t.Context(), id)
	if err != nil {
		t.Errorf("glance: %v", err)
	}
	return g
}

func glances(t *testing.T, s store.Store) {
	if _, err := s.Glance(t.Context(), "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("at none: got %v, want ErrNotFound", err)
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		g := drawGrant(rt, n, 0)
		g.State = rapid.SampledFrom([]grant.State{
			grant.Pending, grant.Scanned, grant.Confirming, grant.Verifying, grant.Approved, grant.Redeemed, grant.Denied, grant.Cancelled,
		}).Draw(rt, "state")
		g.ClientID = rapid.SampledFrom([]auth.ClientID{"asks", "does not"}).Draw(rt, "client")
		g.Redirect.URI = rapid.SampledFrom([]string{"", "", "", "app:/"}).Draw(rt, "redirect")
		g.CreatedAt = epoch.Add(time.Duration(rapid.IntRange(0, 120).Draw(rt, "created")) * time.Second)
		g.ExpiresAt = g.CreatedAt.Add(time.Minute)
		g.Tries = rapid.IntRange(0, grant.NumberTries+1).Draw(rt, "tries")
		update(t, s, func(tx store.Tx) error { return tx.AddGrant(g) })
		now := epoch.Add(time.Duration(rapid.IntRange(0, 240).Draw(rt, "now")) * time.Second)
		_, want := g.Redeem(now, "asks")
		if got := glanced(t, s, g.ID).Redeem(now, "asks"); !errors.Is(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%+v at %v: got %v, want %v", g, now, got, want)
		}
	})
}

// changed is the grant with all of another that a transition may change.
func changed(g, to grant.Grant) grant.Grant {
	to.ID, to.ClientID, to.Device, to.Origin, to.Interval = g.ID, g.ClientID, g.Device, g.Origin, g.Interval
	to.CreatedAt, to.ExpiresAt, to.Resources, to.KeyThumbprint = g.CreatedAt, g.ExpiresAt, g.Resources, g.KeyThumbprint
	to.Nonce, to.Crowded = g.Nonce, g.Crowded
	code := to.Redirect.Code
	to.Redirect = g.Redirect
	to.Redirect.Code = code
	return to
}

// drawGrant draws the n-th grant, with its first codes or its second.
func drawGrant(rt *rapid.T, n, codes int) grant.Grant {
	text := rapid.String()
	maybe := func(code grant.UserCode) grant.UserCode {
		return rapid.SampledFrom([]grant.UserCode{"", code}).Draw(rt, "code")
	}
	g := grant.Grant{
		ID:       auth.GrantID(fmt.Sprintf("%d", n)),
		Seq:      rapid.Int64().Draw(rt, "seq"),
		State:    rapid.SampledFrom([]grant.State{grant.Pending, grant.Approved, grant.Redeemed}).Draw(rt, "state"),
		ClientID: auth.ClientID(text.Draw(rt, "client")),
		Scopes:   words.Draw(rt, "scopes"),
		Device:   auth.Device{Name: text.Draw(rt, "name"), Platform: text.Draw(rt, "platform"), AppVersion: text.Draw(rt, "version")},
		Origin:   address.Draw(rt, "origin"),
		Interval: time.Duration(rapid.Int64().Draw(rt, "interval")),

		CreatedAt:    moment.Draw(rt, "created"),
		ExpiresAt:    moment.Draw(rt, "expires"),
		Code:         maybe(sampleCode(4*n + codes)),
		CodeMintedAt: moment.Draw(rt, "minted"),
		OldCode:      maybe(sampleCode(4*n + codes/2 + 1)), // 1, then 2: the code of before among them
		OldCodeUntil: moment.Draw(rt, "until"),
		ClaimedBy:    auth.BrowserID(text.Draw(rt, "browser")),
		Challenge:    rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "challenge"),
		UserID:       auth.UserID(text.Draw(rt, "user")),
		DecidedAt:    moment.Draw(rt, "decided"),
		RedeemedAt:   moment.Draw(rt, "redeemed"),

		OpenedBy:    auth.BrowserID(text.Draw(rt, "opened by")),
		OpenedTwice: rapid.Bool().Draw(rt, "opened twice"),
		OpenedLate:  rapid.Bool().Draw(rt, "opened late"),
		Crowded:     rapid.Bool().Draw(rt, "crowded"),
		Number:      rapid.SampledFrom([]string{"", "00", "07", "99"}).Draw(rt, "number"),
		Tries:       rapid.Int().Draw(rt, "tries"),

		Resources:     words.Draw(rt, "resources"),
		KeyThumbprint: text.Draw(rt, "thumbprint"),
		Nonce:         text.Draw(rt, "nonce"),
		Redirect: grant.Redirect{
			URI: text.Draw(rt, "redirect"), State: text.Draw(rt, "client state"), Challenge: text.Draw(rt, "code challenge"), Subject: text.Draw(rt, "subject"),
			Code: rapid.SampledFrom([]secret.Hash{{}, hash("code %d", n)}).Draw(rt, "code hash"),
		},
	}
	if len(g.Challenge) == 0 {
		g.Challenge = nil
	}
	return g
}

// address draws an IP address, or none.
var address = rapid.OneOf(rapid.Just(netip.Addr{}), rapid.Custom(func(rt *rapid.T) netip.Addr {
	a, _ := netip.AddrFromSlice(rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 4, 4), rapid.SliceOfN(rapid.Byte(), 16, 16)).Draw(rt, "address"))
	return a
}))

// words draws a list without spaces, which is nil when it is empty.
var words = rapid.Custom(func(rt *rapid.T) []string {
	word := rapid.StringMatching(`[!#-\[\]-~]{1,12}`)
	return orNil(rapid.SliceOfNDistinct(word, 0, 4, rapid.ID).Draw(rt, "words"))
})

// moment draws a time to the microsecond, or none.
var moment = rapid.OneOf(rapid.Just(time.Time{}), rapid.Custom(func(rt *rapid.T) time.Time {
	return time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(rt, "µs")).UTC()
}))

func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func anySession(t *testing.T, s store.Store) {
	n, k := 0, family(0)
	update(t, s, func(tx store.Tx) error { return errors.Join(tx.AddUser(k.user), tx.AddClient(k.client)) })
	rapid.Check(t, func(rt *rapid.T) {
		n++
		first, second := drawSession(rt, n, k), drawSession(rt, n, k)
		update(t, s, func(tx store.Tx) error { return tx.AddSession(first) })
		equal(t, "session", found(t, s, store.Tx.Session, first.ID), first)
		update(t, s, func(tx store.Tx) error { return tx.SetSession(second) })
		equal(t, "session", found(t, s, store.Tx.SessionByGrant, second.GrantID), second)
	})
}

// drawSession draws the n-th session of the user at the client.
func drawSession(rt *rapid.T, n int, k samples) auth.Session {
	text := rapid.String()
	return auth.Session{
		ID: auth.SessionID(fmt.Sprintf("%d", n)), GrantID: auth.GrantID(fmt.Sprintf("%d", n)), UserID: k.user.ID, ClientID: k.client.ID,
		Scopes:        words.Draw(rt, "scopes"),
		Resources:     words.Draw(rt, "resources"),
		Device:        auth.Device{Name: text.Draw(rt, "name"), Platform: text.Draw(rt, "platform"), AppVersion: text.Draw(rt, "version")},
		Origin:        address.Draw(rt, "origin"),
		ReducedScopes: words.Draw(rt, "reduced"),
		ReducedUntil:  moment.Draw(rt, "until"),
		AuthTime:      moment.Draw(rt, "proved"),
		KeyThumbprint: text.Draw(rt, "thumbprint"),
		Family:        rapid.SampledFrom([]secret.Hash{{}, hash("family %d", n)}).Draw(rt, "family"),
		Generation:    rapid.Int64().Draw(rt, "generation"),
		RotatedAt:     moment.Draw(rt, "rotated"),
		CreatedAt:     moment.Draw(rt, "created"),
		ExpiresAt:     moment.Draw(rt, "expires"),
	}
}

func anyClient(t *testing.T, s store.Store) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		first, second := drawClient(rt, n), drawClient(rt, n)
		update(t, s, func(tx store.Tx) error { return tx.AddClient(first) })
		equal(t, "client", found(t, s, store.Tx.Client, first.ID), first)
		update(t, s, func(tx store.Tx) error { return tx.SetClient(second) })
		equal(t, "client", found(t, s, store.Tx.Client, second.ID), second)
	})
}

func drawClient(rt *rapid.T, n int) auth.Client {
	clientSecret := rapid.Custom(func(rt *rapid.T) auth.ClientSecret {
		return auth.ClientSecret{
			Hash:      secret.Hash(rapid.SliceOfN(rapid.Byte(), len(secret.Hash{}), len(secret.Hash{})).Draw(rt, "hash")),
			CreatedAt: moment.Draw(rt, "secret created"), ExpiresAt: moment.Draw(rt, "secret expires"),
		}
	})
	return auth.Client{
		ID:           auth.ClientID(fmt.Sprintf("%d", n)),
		Name:         rapid.String().Draw(rt, "name"),
		Verified:     rapid.Bool().Draw(rt, "verified"),
		AuthMethod:   rapid.SampledFrom([]auth.AuthMethod{auth.AuthNone, auth.AuthSecret, auth.AuthPrivateKey}).Draw(rt, "method"),
		Secrets:      orNil(rapid.SliceOfN(clientSecret, 0, 3).Draw(rt, "secrets")),
		Keys:         orNil(rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(rt, "keys")),
		RedirectURIs: words.Draw(rt, "redirects"),
		Resources:    words.Draw(rt, "resources"),
		Introspects:  words.Draw(rt, "introspects"),
		Pairwise:     rapid.Bool().Draw(rt, "pairwise"),
		RequireDPoP:  rapid.Bool().Draw(rt, "dpop"),
		Scopes:       words.Draw(rt, "scopes"),
		Lifetime:     time.Duration(rapid.Int64().Draw(rt, "lifetime")),
		Interval:     time.Duration(rapid.Int64().Draw(rt, "interval")),
		Policy:       drawPolicy(rt),
		CreatedAt:    moment.Draw(rt, "created"),
	}
}

func drawPolicy(rt *rapid.T) auth.PolicyChange {
	demand := rapid.Ptr(rapid.SampledFrom([]auth.Demand{"", auth.DemandPasskey, auth.DemandNumber, auth.DemandRefuse}), true)
	network := rapid.Custom(func(rt *rapid.T) netip.Prefix {
		a := address.Draw(rt, "network")
		return netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(rt, "bits"))
	})
	reduced := rapid.Custom(func(rt *rapid.T) auth.Scopes { return append(auth.Scopes{}, words.Draw(rt, "tokens")...) })
	return auth.PolicyChange{
		Medium: demand.Draw(rt, "medium"), High: demand.Draw(rt, "high"),
		RequireKnownDevice: rapid.Ptr(rapid.Bool(), true).Draw(rt, "known device"),
		Networks:           rapid.Ptr(rapid.SliceOfN(network, 0, 3), true).Draw(rt, "networks"),
		ReducedScopes:      rapid.Ptr(reduced, true).Draw(rt, "reduced scopes"),
		Unconfirmed:        rapid.Ptr(rapid.Custom(func(rt *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(rt, "ns")) }), true).Draw(rt, "unconfirmed"),
	}
}

// policySaid tells a list that is said to be empty from one of which nothing is
// said: the first beats what the configuration file says.
func policySaid(t *testing.T, s store.Store) {
	empty := auth.PolicyChange{Networks: &[]netip.Prefix{}, ReducedScopes: &auth.Scopes{}}
	for i, c := range []struct {
		name      string
		set, want auth.PolicyChange
	}{
		{"nothing", auth.PolicyChange{}, auth.PolicyChange{}},
		{"everything", samplePolicy(), samplePolicy()},
		{
			"the least of each",
			auth.PolicyChange{Medium: new(auth.Demand("")), High: new(auth.Demand("")), RequireKnownDevice: new(false), Unconfirmed: new(time.Duration(0))},
			auth.PolicyChange{Medium: new(auth.Demand("")), High: new(auth.Demand("")), RequireKnownDevice: new(false), Unconfirmed: new(time.Duration(0))},
		},
		{"empty lists", empty, empty},
		{"lists that are nil", auth.PolicyChange{Networks: new([]netip.Prefix), ReducedScopes: new(auth.Scopes)}, empty},
	} {
		client := auth.Client{ID: auth.ClientID(fmt.Sprintf("%d", i)), Policy: c.set}
		update(t, s, func(tx store.Tx) error { return tx.AddClient(client) })
		equal(t, c.name+", added", found(t, s, store.Tx.Client, client.ID).Policy, c.want)
		update(t, s, func(tx store.Tx) error { return tx.SetClient(auth.Client{ID: client.ID, Policy: samplePolicy()}) })
		update(t, s, func(tx store.Tx) error { return tx.SetClient(client) })
		equal(t, c.name+", set", found(t, s, store.Tx.Client, client.ID).Policy, c.want)
	}
}

func timesToTheMicrosecond(t *testing.T, s store.Store) {
	east := time.FixedZone("east", 9*3600)
	u := auth.User{ID: "u", CreatedAt: epoch.Add(999 * time.Nanosecond).In(east)}
	update(t, s, func(tx store.Tx) error { return tx.AddUser(u) })
	equal(t, "created", found(t, s, store.Tx.User, u.ID).CreatedAt, epoch)
}

func emptyCollections(t *testing.T, s store.Store) {
	g, u := freshGrant(0), sampleUser(0)
	g.Scopes, g.Challenge = auth.Scopes{}, []byte{}
	g.Resources = []string{}
	p := auth.Passkey{ID: []byte("p"), UserID: u.ID, PublicKey: []byte{}, AAGUID: []byte{}, Transports: []string{}}
	c := auth.Client{
		ID: "c", Secrets: []auth.ClientSecret{}, Keys: []byte{}, Scopes: auth.Scopes{},
		RedirectURIs: []string{}, Resources: []string{}, Introspects: []string{},
	}
	session := auth.Session{ID: "s", UserID: u.ID, ClientID: c.ID, Scopes: auth.Scopes{}, Resources: []string{}, ReducedScopes: auth.Scopes{}}
	record := auth.AuditRecord{Seq: 1, Reasons: []string{}, Personal: []byte{}}
	update(t, s, func(tx store.Tx) error {
		if err := tx.AddGrant(g); err != nil {
			return err
		}
		if err := tx.AddUser(u); err != nil {
			return err
		}
		if err := tx.AddClient(c); err != nil {
			return err
		}
		if err := tx.AddSession(session); err != nil {
			return err
		}
		if err := tx.AddKey(auth.Key{ID: "k", Material: []byte{}}); err != nil {
			return err
		}
		if err := tx.AddAudit(record); err != nil {
			return err
		}
		if err := tx.AddMessage(auth.Message{ID: "m", Body: []byte{}}); err != nil {
			return err
		}
		return tx.AddPasskey(p)
	})
	g.Scopes, g.Challenge, g.Resources = nil, nil, nil
	p.PublicKey, p.AAGUID, p.Transports = nil, nil, nil
	equal(t, "grant", found(t, s, store.Tx.Grant, g.ID), g)
	equal(t, "passkey", found(t, s, store.Tx.Passkey, p.ID), p)
	equal(t, "client", found(t, s, store.Tx.Client, c.ID), auth.Client{ID: c.ID})
	equal(t, "session", found(t, s, store.Tx.Session, session.ID), auth.Session{ID: "s", UserID: u.ID, ClientID: c.ID})
	equal(t, "key", found(t, s, keyByID, "k"), auth.Key{ID: "k"})
	equal(t, "audit record", found(t, s, auditBySeq, 1), auth.AuditRecord{Seq: 1})
	equal(t, "message", found(t, s, messageByID, "m"), auth.Message{ID: "m"})
}

func setRecords(t *testing.T, s store.Store) {
	k := seed(t, s)
	other := sampleClient(1)
	k.user = auth.User{ID: k.user.ID, Name: "Another name", CreatedAt: epoch.Add(time.Minute)}
	k.passkey = auth.Passkey{
		ID: k.passkey.ID, UserID: k.user.ID, PublicKey: []byte{9}, AAGUID: []byte{8}, SignCount: 7,
		Transports: []string{"usb"}, CreatedAt: epoch.Add(time.Second), LastUsedAt: epoch.Add(time.Minute),
	}
	k.client = auth.Client{
		ID: k.client.ID, Name: "Another", AuthMethod: auth.AuthPrivateKey,
		Secrets: []auth.ClientSecret{{Hash: hash("another"), ExpiresAt: epoch}}, Keys: []byte("{}"),
		RedirectURIs: []string{"http://[::1]/"}, Resources: []string{"urn:a"}, Introspects: []string{"urn:b", "urn:c"},
		Scopes: auth.Scopes{"profile"}, Lifetime: time.Minute, Interval: time.Second, CreatedAt: epoch.Add(time.Second),
		Policy: auth.PolicyChange{Medium: new(auth.DemandPasskey), ReducedScopes: &auth.Scopes{}},
	}
	k.session = auth.Session{
		ID: k.session.ID, GrantID: "another grant", UserID: k.user.ID, ClientID: other.ID, Scopes: auth.Scopes{"profile"},
		Resources: []string{"urn:a"}, Device: auth.Device{Name: "n", Platform: "p", AppVersion: "v"},
		AuthTime: epoch.Add(time.Second), KeyThumbprint: "another key", Family: hash("another family"), Generation: 9,
		RotatedAt: epoch.Add(2 * time.Second), CreatedAt: epoch.Add(3 * time.Second), ExpiresAt: epoch.Add(4 * time.Second),
		Origin: netip.MustParseAddr("192.0.2.9"), ReducedScopes: auth.Scopes{"profile"}, ReducedUntil: epoch.Add(5 * time.Second),
	}
	k.message = auth.Message{ID: k.message.ID, Body: []byte("{}"), CreatedAt: epoch.Add(time.Second), DueAt: epoch.Add(time.Minute), Tries: 4}
	k.key = auth.Key{
		ID: k.key.ID, Use: auth.KeyDerives, Algorithm: "EdDSA", Material: []byte{7}, CreatedAt: epoch.Add(time.Second),
		SignsFrom: epoch.Add(2 * time.Second), ExpiresAt: epoch.Add(3 * time.Second),
	}
	update(t, s, func(tx store.Tx) error {
		if err := tx.AddClient(other); err != nil {
			return err
		}
		return k.set(tx)
	})
	k.check(t, s)
}

// set replaces those records that can be set.
func (k samples) set(tx store.Tx) error {
	for _, set := range []func() error{
		func() error { return tx.SetGrant(k.grant) },
		func() error { return tx.SetClient(k.client) },
		func() error { return tx.SetUser(k.user) },
		func() error { return tx.SetPasskey(k.passkey) },
		func() error { return tx.SetSession(k.session) },
		func() error { return tx.SetKey(k.key) },
		func() error { return tx.SetMessage(k.message) },
	} {
		if err := set(); err != nil {
			return err
		}
	}
	return nil
}

func setToNothing(t *testing.T, s store.Store) {
	k := seed(t, s)
	k.grant = changed(k.grant, grant.Grant{})
	k.client, k.user = auth.Client{ID: k.client.ID}, auth.User{ID: k.user.ID}
	k.passkey = auth.Passkey{ID: k.passkey.ID, UserID: k.user.ID}
	k.session = auth.Session{ID: k.session.ID, UserID: k.user.ID, ClientID: k.client.ID}
	k.key = auth.Key{ID: k.key.ID}
	k.message = auth.Message{ID: k.message.ID}
	update(t, s, k.set)
	k.check(t, s)
}

func putAgain(t *testing.T, s store.Store) {
	k := seed(t, s)
	other := sampleUser(1)
	k.browser.UserID, k.browser.ProvedAt, k.browser.ExpiresAt = other.ID, epoch.Add(time.Second), epoch.Add(time.Minute)
	update(t, s, func(tx store.Tx) error {
		if err := tx.AddUser(other); err != nil {
			return err
		}
		return tx.PutBrowser(k.browser)
	})
	k.check(t, s)
}

func codesSetAgain(t *testing.T, s store.Store) {
	k := seed(t, s)
	old := k.codes[0]
	k.codes = append(k.codes[1:2:2], auth.RecoveryCode{Hash: hash("new"), UserID: k.user.ID, CreatedAt: epoch.Add(time.Minute)})
	update(t, s, func(tx store.Tx) error { return tx.SetRecoveryCodes(k.user.ID, k.codes) })
	k.check(t, s)
	missing(t, s, "a replaced code", store.Tx.RecoveryCode, old.Hash)
	equal(t, "left", found(t, s, store.Tx.RecoveryCodesLeft, k.user.ID), 2)

	update(t, s, func(tx store.Tx) error { return tx.SetRecoveryCodes(k.user.ID, nil) })
	equal(t, "left after all were replaced by none", found(t, s, store.Tx.RecoveryCodesLeft, k.user.ID), 0)
}

func listsInOrder(t *testing.T, s store.Store) {
	owner, client := sampleUser(0), sampleClient(2)
	users := []auth.User{owner, sampleUser(1), sampleUser(2)}
	clients := []auth.Client{sampleClient(0), sampleClient(1), client}
	passkeys := []auth.Passkey{samplePasskey(0, owner.ID), samplePasskey(1, owner.ID)}
	sessions := []auth.Session{sampleSession(0, owner.ID, client.ID), sampleSession(1, owner.ID, client.ID)}
	serverKeys := []auth.Key{sampleKey(0), sampleKey(1)}
	update(t, s, func(tx store.Tx) error {
		for _, i := range []int{2, 0, 1} {
			if err := tx.AddUser(users[i]); err != nil {
				return err
			}
			if err := tx.AddClient(clients[i]); err != nil {
				return err
			}
		}
		for _, i := range []int{1, 0} {
			if err := tx.AddPasskey(passkeys[i]); err != nil {
				return err
			}
			if err := tx.AddSession(sessions[i]); err != nil {
				return err
			}
			if err := tx.AddKey(serverKeys[i]); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		gotClients, err := tx.Clients()
		equal(t, "clients by ID", gotClients, clients)
		if err != nil {
			return err
		}
		gotUsers, err := tx.Users()
		equal(t, "users, oldest first", gotUsers, users)
		if err != nil {
			return err
		}
		gotKeys, err := tx.Keys()
		equal(t, "keys, oldest first", gotKeys, serverKeys)
		return err
	})
	equal(t, "passkeys, oldest first", found(t, s, store.Tx.PasskeysOf, owner.ID), passkeys)
	equal(t, "sessions, oldest first", found(t, s, store.Tx.SessionsOf, owner.ID), sessions)
	equal(t, "passkeys of nobody", found(t, s, store.Tx.PasskeysOf, "nobody"), nil)
	equal(t, "sessions of nobody", found(t, s, store.Tx.SessionsOf, "nobody"), nil)
}
