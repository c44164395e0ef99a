package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// callers is how many goroutines the benchmarks run, as so many HTTP clients would.
const callers = 64

func inParallel(b *testing.B, fn func() error) {
	b.SetParallelism((callers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := fn(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// newGrant is a grant as a start makes it.
func newGrant(b testing.TB) grant.Grant {
	code, err := grant.NewUserCode(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	return grant.New(time.Now(), grant.Request{
		ID:       auth.GrantID(secret.Must().Hash().String()),
		ClientID: "desktop-demo",
		Scopes:   auth.Scopes{"openid", "profile"},
		Device:   auth.Device{Name: "ALICE-PC", Platform: "Windows 11", AppVersion: "1.0.0"},
		Code:     code,
		Lifetime: auth.DefaultLifetime,
		Interval: auth.DefaultInterval,
	})
}

// addGrant adds a grant, and draws again when its code is taken.
func addGrant(b testing.TB, db *DB) (auth.GrantID, error) {
	for {
		g := newGrant(b)
		err := db.Update(context.Background(), func(tx store.Tx) error { return tx.AddGrant(g) })
		if !errors.Is(err, store.ErrConflict) {
			return g.ID, err
		}
	}
}

func BenchmarkAddGrant(b *testing.B) {
	db := openAt(b, newPath(b), Options{})
	raw := rawInserts(b)
	b.ResetTimer()
	inParallel(b, func() error {
		_, err := addGrant(b, db)
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/raw, "of-raw")
}

func BenchmarkGrant(b *testing.B) {
	benchmarkReading(b, func(db *DB, id auth.GrantID) error {
		return db.View(context.Background(), func(tx store.Tx) error {
			_, err := tx.Grant(id)
			return err
		})
	})
}

// BenchmarkGlance is what a pending poll reads.
func BenchmarkGlance(b *testing.B) {
	benchmarkReading(b, func(db *DB, id auth.GrantID) error {
		_, err := db.Glance(context.Background(), id)
		return err
	})
}

func benchmarkReading(b *testing.B, read func(*DB, auth.GrantID) error) {
	db := openAt(b, newPath(b), Options{})
	ids := storedGrants(b, db)
	raw := rawSelects(b, db, ids)
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	inParallel(b, func() error { return read(db, ids[next.Add(1)%int64(len(ids))]) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/raw, "of-raw")
}

// storedGrants adds 10 000 grants.
func storedGrants(b *testing.B, db *DB) []auth.GrantID {
	ids := make([]auth.GrantID, 10_000)
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		for i := range ids {
			g := newGrant(b)
			ids[i] = g.ID
			if err := tx.AddGrant(g); err != nil && !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return ids
}

// BenchmarkRotate is what a waiting desktop costs every 40 to 45 seconds: its grant gets
// another user code.
func BenchmarkRotate(b *testing.B) {
	db := openAt(b, newPath(b), Options{})
	ids := storedGrants(b, db)
	raw := rawInserts(b)
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	inParallel(b, func() error {
		id := ids[next.Add(1)%int64(len(ids))]
		code := newGrant(b).Code
		err := db.Update(context.Background(), func(tx store.Tx) error {
			g, err := tx.Grant(id)
			if err != nil {
				return err
			}
			g.Seq, g.OldCode, g.Code = g.Seq+1, g.Code, code
			return tx.SetGrant(g)
		})
		if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			return nil // a code was taken
		}
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/raw, "of-raw")
}

func BenchmarkRedeem(b *testing.B) {
	benchmarkRedeem(b, func(store.Tx, time.Time, auth.Session) error { return nil })
}

// BenchmarkRedeemRecorded is a redeem that is written into the audit log, and that
// makes the desktop's key and network familiar.
func BenchmarkRedeemRecorded(b *testing.B) { benchmarkRedeem(b, recordSignIn) }

// redeemers is how many people the redeemed grants are of.
const redeemers = 1000

// benchmarkRedeem has also do more of the transaction in which the session begins.
func benchmarkRedeem(b *testing.B, also func(store.Tx, time.Time, auth.Session) error) {
	db := openAt(b, newPath(b), Options{})
	ids := approvedGrants(b, db, b.N)
	var next atomic.Int64
	b.ResetTimer()
	inParallel(b, func() error {
		id := ids[next.Add(1)-1]
		return db.Update(context.Background(), func(tx store.Tx) error {
			now := time.Now()
			s, err := redeem(tx, now, id)
			if errors.Is(err, store.ErrNotFound) {
				return nil // its code was taken
			}
			if err != nil {
				return err
			}
			return also(tx, now, s)
		})
	})
}

func approvedGrants(b *testing.B, db *DB, n int) []auth.GrantID {
	ids := make([]auth.GrantID, n)
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		for i := range redeemers {
			if err := tx.AddUser(auth.User{ID: redeemer(i)}); err != nil {
				return err
			}
		}
		for i := range ids {
			g := newGrant(b)
			g.State, g.UserID, ids[i] = grant.Approved, redeemer(i), g.ID
			if err := tx.AddGrant(g); err != nil && !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
		return tx.AddClient(auth.Client{ID: "desktop-demo"})
	}); err != nil {
		b.Fatal(err)
	}
	return ids
}

func redeemer(i int) auth.UserID { return auth.UserID(fmt.Sprintf("person-%d", i%redeemers)) }

// redeem is what the storage does when a desktop gets its tokens.
func redeem(tx store.Tx, now time.Time, id auth.GrantID) (auth.Session, error) {
	g, err := tx.Grant(id)
	if err != nil {
		return auth.Session{}, err
	}
	if g, err = g.Redeem(now, g.ClientID); err != nil {
		return auth.Session{}, err
	}
	if err := tx.SetGrant(g); err != nil {
		return auth.Session{}, err
	}
	s := auth.Session{
		ID: auth.SessionID(secret.Must().Hash().String()), GrantID: g.ID, UserID: g.UserID, ClientID: g.ClientID, Scopes: g.Scopes,
		Device: g.Device, AuthTime: now, Family: secret.Must().Hash(), Generation: 1, RotatedAt: now,
		CreatedAt: now, ExpiresAt: now.Add(time.Hour),
	}
	if err := tx.AddSession(s); err != nil {
		return s, err
	}
	return s, tx.AddRefresh(auth.Refresh{Hash: secret.Must().Hash(), SessionID: s.ID, Generation: 1})
}

// recordSignIn is what the storage does to remember a sign-in.
func recordSignIn(tx store.Tx, now time.Time, s auth.Session) error {
	head, err := tx.AuditHead()
	if err != nil {
		return err
	}
	if err := tx.AddAudit(auth.AuditRecord{
		Seq: head.Seq + 1, At: now, Type: auth.EventSignedIn, Actor: auth.ActorDesktop, ClientID: s.ClientID,
		Risk: "medium", Reasons: []string{"other_network"}, Personal: make([]byte, 400), PersonalHash: secret.Must().Hash(),
		Previous: head.Hash, Hash: secret.Must().Hash(),
	}); err != nil {
		return err
	}
	for kind, value := range map[auth.FamiliarKind]string{
		auth.FamiliarKey: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", auth.FamiliarNetwork: "192.0.2.0/24",
	} {
		if err := tx.PutFamiliar(auth.Familiar{
			UserID: s.UserID, Kind: kind, Value: value, FirstSeenAt: now, LastSeenAt: now,
		}); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkAddReplay is what each request with a proof writes.
func BenchmarkAddReplay(b *testing.B) {
	db := openAt(b, newPath(b), Options{})
	inParallel(b, func() error {
		r := auth.Replay{Hash: secret.Must().Hash(), ExpiresAt: time.Now().Add(90 * time.Second)}
		return db.Update(context.Background(), func(tx store.Tx) error { return tx.AddReplay(r) })
	})
}

// The yardsticks: what the same driver does with a bare table, one connection
// and no package around it, in the same run.

// rawInserts is the rate of inserts into one table with one key, 64 to a commit.
func rawInserts(b *testing.B) float64 {
	db := rawDB(b, newPath(b))
	if _, err := db.Exec(`CREATE TABLE grants (id TEXT PRIMARY KEY, data TEXT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	const commits = 150
	data := fmt.Sprintf("%250d", 1)
	begin := time.Now()
	for range commits {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		stmt, err := tx.Prepare(`INSERT INTO grants VALUES (?, ?)`)
		if err != nil {
			b.Fatal(err)
		}
		for range callers {
			if _, err := stmt.Exec(secret.Must().Hash().String(), data); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	rate := commits * callers / time.Since(begin).Seconds()
	b.Logf("raw inserts, %d to a commit: %.0f/s", callers, rate)
	return rate
}

// rawSelects is the rate of one prepared select of one column of the same rows.
func rawSelects(b *testing.B, of *DB, ids []auth.GrantID) float64 {
	file := askReader(b, of, `SELECT file FROM pragma_database_list`)[0]
	stmt, err := rawDB(b, file).Prepare(`SELECT state FROM grants WHERE id = ?`)
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	begin := time.Now()
	for _, id := range ids {
		var state string
		if err := stmt.QueryRow(string(id)).Scan(&state); err != nil && !errors.Is(err, sql.ErrNoRows) {
			b.Fatal(err)
		}
	}
	rate := float64(len(ids)) / time.Since(begin).Seconds()
	b.Logf("raw selects of one column, one connection: %.0f/s", rate)
	return rate
}

func rawDB(b *testing.B, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { db.Close() })
	return db
}

// BenchmarkOpen is what a start of the server or the command line pays on an existing database.
func BenchmarkOpen(b *testing.B) {
	path := newPath(b)
	openAt(b, path, Options{})
	for b.Loop() {
		db, err := Open(context.Background(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
