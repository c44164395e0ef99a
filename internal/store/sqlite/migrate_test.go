package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// released makes a database of the schema at that version, in which the
// statements have then been run.
func released(t *testing.T, version int64, statements ...string) (path string) {
	t.Helper()
	path = newPath(t)
	writeFile(t, path, "")
	db := sql.OpenDB(newConnector(path, Options{}.withDefaults(), writes))
	defer db.Close()
	m, err := newMigrator(db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.UpTo(context.Background(), version); err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// What a database of the first release may hold. The times are seconds after
// the epoch, in microseconds.
const (
	oldHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

	oldClients = `INSERT INTO clients (id, name, verified, secret_hash, scopes, lifetime, poll_interval, created_at) VALUES
		('confidential', 'Äpp', 1, x'` + oldHash + `', 'openid profile', 300000000000, 5000000000, 1000000),
		('of no time',   'App', 0, x'` + oldHash + `', 'openid', 300000000000, 5000000000, NULL),
		('public',       'App', 0, NULL, 'openid my_offline_access', 60000000000, 1000000000, 2000000),
		('offline',      'App', 0, NULL, 'offline_access openid', 60000000000, 1000000000, 2000000),
		('scopeless',    'App', 0, NULL, '', 60000000000, 1000000000, 2000000)`
	oldUsers    = `INSERT INTO users VALUES ('alice', 'Alice', 0, 3000000)`
	oldPasskeys = `INSERT INTO passkeys VALUES (x'01', 'alice', x'02', NULL, 7, 1, 1, 'internal', 3000000, NULL)`
	oldSessions = `INSERT INTO sessions VALUES ('session', 'grant', 'alice', 'public', 'openid', 'ALICE-PC', 'Windows', '1',
		x'` + oldHash + `', 4000000, 9999999999000000)`
	oldGrants = `INSERT INTO grants VALUES ('grant', 4, 'pending', 'public', 'openid', 'ALICE-PC', 'Windows', '1', '192.0.2.1',
		5000000000, 4000000, 304000000, 'BCDFGHJK', 4000000, '', NULL, '', NULL, '', NULL, NULL)`
	oldCodes = `INSERT INTO user_codes VALUES ('BCDFGHJK', 'grant')`
)

func firstRelease(t *testing.T) (path string) {
	t.Helper()
	return released(t, 1, oldClients, oldUsers, oldPasskeys, oldSessions, oldGrants, oldCodes)
}

func seconds(n int64) time.Time { return time.Unix(n, 0).UTC() }

// read is one record, read in a View of its own.
func read[K, V any](t *testing.T, db *DB, get func(store.Tx, K) (V, error), key K) (v V) {
	t.Helper()
	if err := db.View(context.Background(), func(tx store.Tx) (err error) {
		v, err = get(tx, key)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestClientsOfTheFirstReleaseKeepWhatTheyCould(t *testing.T) {
	db := openAt(t, firstRelease(t), Options{})
	raw, err := hex.DecodeString(oldHash)
	if err != nil {
		t.Fatal(err)
	}
	h := secret.Hash(raw)
	here := []string{"http://127.0.0.1/callback", "http://[::1]/callback"}
	for _, want := range []auth.Client{
		{
			ID: "confidential", Name: "Äpp", Verified: true,
			AuthMethod: auth.AuthSecret, Secrets: []auth.ClientSecret{{Hash: h, CreatedAt: seconds(1)}},
			Scopes:   auth.Scopes{"openid", "profile", "offline_access"},
			Lifetime: 300 * time.Second, Interval: 5 * time.Second, CreatedAt: seconds(1),
		},
		{
			ID: "of no time", Name: "App", AuthMethod: auth.AuthSecret, Secrets: []auth.ClientSecret{{Hash: h}},
			Scopes: auth.Scopes{"openid", "offline_access"}, Lifetime: 300 * time.Second, Interval: 5 * time.Second,
		},
		{
			ID: "public", Name: "App", AuthMethod: auth.AuthNone, RedirectURIs: here, Scopes: auth.Scopes{"openid", "my_offline_access", "offline_access"},
			Lifetime: time.Minute, Interval: time.Second, CreatedAt: seconds(2),
		},
		{
			ID: "offline", Name: "App", AuthMethod: auth.AuthNone, RedirectURIs: here, Scopes: auth.Scopes{"offline_access", "openid"},
			Lifetime: time.Minute, Interval: time.Second, CreatedAt: seconds(2),
		},
		{
			ID: "scopeless", Name: "App", AuthMethod: auth.AuthNone, RedirectURIs: here, Scopes: auth.Scopes{"offline_access"},
			Lifetime: time.Minute, Interval: time.Second, CreatedAt: seconds(2),
		},
	} {
		got := read(t, db, store.Tx.Client, want.ID)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("client %q (-want +got):\n%s", want.ID, diff)
		}
		if good := got.HasSecret(time.Now(), h); good != want.Confidential() {
			t.Errorf("client %q: its secret is good: got %v, want %v", want.ID, good, want.Confidential())
		}
	}
}

func TestWhatTheFirstReleaseKeptIsThereButForSessions(t *testing.T) {
	db := openAt(t, firstRelease(t), Options{})
	wantUser := auth.User{ID: "alice", Name: "Alice", CreatedAt: seconds(3)}
	if diff := cmp.Diff(wantUser, read(t, db, store.Tx.User, "alice")); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if got := read(t, db, store.Tx.PasskeysOf, "alice"); len(got) != 1 {
		t.Errorf("got %d passkeys, want 1", len(got))
	}
	if got := read(t, db, store.Tx.SessionsOf, "alice"); len(got) != 0 {
		t.Errorf("got the sessions %v, want none", got)
	}
	g := read(t, db, store.Tx.GrantByUserCode, "BCDFGHJK")
	if g.ID != "grant" || g.Seq != 4 || g.State != grant.Pending || !g.ExpiresAt.Equal(seconds(304)) {
		t.Errorf("got the grant %+v, want the one of before", g)
	}
	if g.Resources != nil || g.KeyThumbprint != "" || g.Nonce != "" || g.Redirect != (grant.Redirect{}) ||
		g.OpenedBy != "" || g.OpenedTwice || g.Crowded || g.Number != "" || g.Tries != 0 {
		t.Errorf("got %+v, want nothing in the fields that are new", g)
	}
	// The person signs in again, out of the sign-in that was under way.
	g.State, g.Seq = grant.Redeemed, g.Seq+1
	s := auth.Session{ID: "session", GrantID: g.ID, UserID: "alice", ClientID: g.ClientID, Family: secret.Must().Hash()}
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		if err := tx.SetGrant(g); err != nil {
			return err
		}
		if err := tx.AddSession(s); err != nil {
			return err
		}
		return tx.AddRefresh(auth.Refresh{Hash: secret.Must().Hash(), SessionID: s.ID})
	}); err != nil {
		t.Error(err)
	}
}

// What a database of the second release may hold beside: the nouns that it had made anew.
const (
	secondClients = `INSERT INTO clients (id, name, verified, scopes, lifetime, poll_interval, created_at,
			auth_method, secrets, keys, redirect_uris, resources, introspects, pairwise, require_dpop) VALUES
		('confidential', 'Äpp', 1, 'openid offline_access', 300000000000, 5000000000, 1000000,
			'client_secret', '[{"hash":"` + oldHash + `","created_at":1000000,"expires_at":null}]', NULL, 'http://127.0.0.1/callback', 'urn:a', '', 1, 1),
		('public', 'App', 0, 'openid', 60000000000, 1000000000, 2000000, 'none', '[]', NULL, '', '', '', 0, 0)`
	secondUsers    = `INSERT INTO users VALUES ('alice', 'Alice', 0, 3000000), ('bob', 'Bob', 0, 3000000)`
	secondSessions = `INSERT INTO sessions (id, grant_id, user_id, client_id, scopes, resources, device_name, device_platform, app_version,
			auth_time, key_thumbprint, family_hash, generation, rotated_at, created_at, expires_at) VALUES
		('bound',   'g1', 'alice', 'public', 'openid', 'urn:a urn:b', 'ALICE-PC', 'Windows', '1', 4000000, 'key-1', x'` + oldHash + `', 7, 9000000, 5000000, 9999999999000000),
		('again',   'g2', 'alice', 'public', 'openid', '', 'ALICE-PC', 'Windows', '1', 4000000, 'key-1', NULL, 0, NULL, 4000000, 9999999999000000),
		('bearer',  'g3', 'alice', 'public', 'openid', '', 'ALICE-PC', 'Windows', '1', 4000000, '', NULL, 0, NULL, 5000000, 9999999999000000),
		('of bob',  'g4', 'bob',   'public', 'openid', '', 'BOB-PC', 'Windows', '1', 4000000, 'key-1', NULL, 0, NULL, 6000000, 9999999999000000),
		('of no time', 'g5', 'bob', 'public', 'openid', '', 'BOB-PC', 'Windows', '1', NULL, 'key-2', NULL, 0, NULL, NULL, NULL)`
	secondRefreshes = `INSERT INTO refreshes VALUES (x'` + oldHash + `', 'bound', 7)`
	secondGrants    = `INSERT INTO grants (id, seq, state, client_id, scopes, device_name, device_platform, app_version, origin,
			poll_interval, created_at, expires_at, code, code_minted_at, old_code, old_code_until, claimed_by, challenge, user_id, decided_at, redeemed_at,
			resources, key_thumbprint, nonce) VALUES
		('grant', 6, 'confirming', 'public', 'openid', 'ALICE-PC', 'Windows', '1', '192.0.2.1',
			5000000000, 4000000, 304000000, 'BCDFGHJK', 5000000, 'KJHGFDCB', 6000000, 'browser', x'01', '', NULL, NULL, 'urn:a', 'key-1', 'n')`
	secondCodes = `INSERT INTO user_codes VALUES ('BCDFGHJK', 'grant'), ('KJHGFDCB', 'grant')`
)

func secondRelease(t *testing.T) (path string) {
	t.Helper()
	return released(t, 2, secondClients, secondUsers, secondSessions, secondRefreshes, secondGrants, secondCodes)
}

func TestWhatTheSecondReleaseKeptIsThere(t *testing.T) {
	db := openAt(t, secondRelease(t), Options{})
	raw, err := hex.DecodeString(oldHash)
	if err != nil {
		t.Fatal(err)
	}
	h := secret.Hash(raw)
	device := auth.Device{Name: "ALICE-PC", Platform: "Windows", AppVersion: "1"}
	wantClient := auth.Client{
		ID: "confidential", Name: "Äpp", Verified: true, AuthMethod: auth.AuthSecret,
		Secrets:      []auth.ClientSecret{{Hash: h, CreatedAt: seconds(1)}},
		RedirectURIs: []string{"http://127.0.0.1/callback"}, Resources: []string{"urn:a"}, Pairwise: true, RequireDPoP: true,
		Scopes: auth.Scopes{"openid", "offline_access"}, Lifetime: 300 * time.Second, Interval: 5 * time.Second, CreatedAt: seconds(1),
	}
	if diff := cmp.Diff(wantClient, read(t, db, store.Tx.Client, "confidential")); diff != "" {
		t.Errorf("client (-want +got):\n%s", diff)
	}
	wantSession := auth.Session{
		ID: "bound", GrantID: "g1", UserID: "alice", ClientID: "public", Scopes: auth.Scopes{"openid"}, Resources: []string{"urn:a", "urn:b"},
		Device: device, AuthTime: seconds(4), KeyThumbprint: "key-1", Family: h, Generation: 7, RotatedAt: seconds(9),
		CreatedAt: seconds(5), ExpiresAt: seconds(9999999999),
	}
	got := read(t, db, store.Tx.SessionByFamily, h)
	if diff := cmp.Diff(wantSession, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	if got.Unconfirmed(seconds(0)) || got.Unconfirmed(time.Now()) {
		t.Error("a desktop that was signed in has yet to be confirmed")
	}
	if got := read(t, db, store.Tx.Refresh, h); got.SessionID != "bound" || got.Generation != 7 {
		t.Errorf("got the refresh token %+v, want that of the session", got)
	}
	wantGrant := grant.Grant{
		ID: "grant", Seq: 6, State: grant.Confirming, ClientID: "public", Scopes: auth.Scopes{"openid"}, Device: device,
		Origin: netip.MustParseAddr("192.0.2.1"), Interval: 5 * time.Second, CreatedAt: seconds(4), ExpiresAt: seconds(304),
		Resources: []string{"urn:a"}, KeyThumbprint: "key-1", Nonce: "n",
		Code: "BCDFGHJK", CodeMintedAt: seconds(5), OldCode: "KJHGFDCB", OldCodeUntil: seconds(6),
		ClaimedBy: "browser", Challenge: []byte{1},
	}
	for _, code := range []grant.UserCode{"BCDFGHJK", "KJHGFDCB"} {
		if diff := cmp.Diff(wantGrant, read(t, db, store.Tx.GrantByUserCode, code), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("grant by %s (-want +got):\n%s", code, diff)
		}
	}
}

func TestDesktopsOfTheSecondReleaseAreFamiliarByTheirKeys(t *testing.T) {
	db := openAt(t, secondRelease(t), Options{})
	for user, want := range map[auth.UserID][]auth.Familiar{
		"alice": {
			{UserID: "alice", Kind: auth.FamiliarClientKey, Value: "public key-1", FirstSeenAt: seconds(4), LastSeenAt: seconds(9)},
			{UserID: "alice", Kind: auth.FamiliarKey, Value: "key-1", FirstSeenAt: seconds(4), LastSeenAt: seconds(9)},
		},
		"bob": {
			{UserID: "bob", Kind: auth.FamiliarClientKey, Value: "public key-1", FirstSeenAt: seconds(6), LastSeenAt: seconds(6)},
			{UserID: "bob", Kind: auth.FamiliarKey, Value: "key-1", FirstSeenAt: seconds(6), LastSeenAt: seconds(6)},
		},
	} {
		if diff := cmp.Diff(want, read(t, db, store.Tx.FamiliarsOf, user)); diff != "" {
			t.Errorf("of %s (-want +got):\n%s", user, diff)
		}
	}
}

// TestASignInOfTheSecondReleaseComesToItsEnd redeems the grant that was under way,
// and writes of each new noun.
func TestASignInOfTheSecondReleaseComesToItsEnd(t *testing.T) {
	db := openAt(t, secondRelease(t), Options{})
	now := seconds(10)
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		g, err := tx.Grant("grant")
		if err != nil {
			return err
		}
		g.State, g.UserID, g.OpenedBy, g.Number = grant.Approved, "alice", "browser", "07"
		if err := tx.SetGrant(g); err != nil {
			return err
		}
		s, err := redeem(tx, now, g.ID)
		if err != nil {
			return err
		}
		return errors.Join(recordSignIn(tx, now, s), tx.AddMessage(auth.Message{ID: "m", DueAt: now}),
			tx.PutBlock(auth.Block{Kind: auth.BlockKey, Value: "key-1", UserID: "alice"}))
	}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, db, store.Tx.SessionsOf, "alice"); len(got) != 4 {
		t.Errorf("got %d sessions, want the three of before and the new one", len(got))
	}
	if got := read(t, db, store.Tx.FamiliarsOf, "alice"); len(got) != 4 {
		t.Errorf("got %d familiars, want the key of before, also with its client, and the new key and network", len(got))
	}
}

func TestAMigratedDatabaseIsSound(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{"of the first release": firstRelease, "of the second": secondRelease} {
		t.Run(name, func(t *testing.T) { sound(t, openAt(t, database(t), Options{})) })
	}
}

func sound(t *testing.T, db *DB) {
	t.Helper()
	if got := askReader(t, db, "PRAGMA integrity_check"); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("integrity: got %q, want ok", got)
	}
	if got := askReader(t, db, "PRAGMA foreign_key_check"); len(got) != 0 {
		t.Errorf("got %d records that belong to nobody, want none", len(got))
	}
}

func TestManyMayOpenADatabaseOfTheFirstReleaseAtOnce(t *testing.T) {
	path := firstRelease(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			db, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	db := openAt(t, path, Options{})
	if got := read(t, db, store.Tx.Client, "confidential"); len(got.Secrets) != 1 || len(got.Scopes) != 3 {
		t.Errorf("got %+v, want one secret and three scopes: the migration has run once", got)
	}
}
