package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	if g.Resources != nil || g.KeyThumbprint != "" || g.Nonce != "" || g.Redirect != (grant.Redirect{}) {
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

func TestAMigratedDatabaseIsSound(t *testing.T) {
	db := openAt(t, firstRelease(t), Options{})
	var verdict string
	if err := db.readers.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: got %q, %v, want ok", verdict, err)
	}
	var dangling int
	if err := db.readers.QueryRow("SELECT count(*) FROM pragma_foreign_key_check").Scan(&dangling); err != nil || dangling != 0 {
		t.Errorf("got %d records that belong to nobody, %v, want none", dangling, err)
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
