package audit_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC)

// memory is a log and an outbox in memory. It is the store and its only transaction.
type memory struct {
	store.Store
	store.Tx
	records  []auth.AuditRecord
	head     auth.AuditHead
	messages []auth.Message
	// reading is called before each reading of records.
	reading func() error
}

func (m *memory) View(_ context.Context, fn func(store.Tx) error) error   { return fn(m) }
func (m *memory) Update(_ context.Context, fn func(store.Tx) error) error { return fn(m) }
func (m *memory) AuditHead() (auth.AuditHead, error)                      { return m.head, nil }

func (m *memory) AddAudit(r auth.AuditRecord) error {
	if r.Seq != m.head.Seq+1 || r.Previous != m.head.Hash {
		return store.ErrConflict
	}
	m.records = append(m.records, r)
	m.head = auth.AuditHead{Seq: r.Seq, Hash: r.Hash}
	return nil
}

func (m *memory) Audit(after int64, limit int) ([]auth.AuditRecord, error) {
	if m.reading != nil {
		if err := m.reading(); err != nil {
			return nil, err
		}
	}
	list := slices.DeleteFunc(slices.Clone(m.records), func(r auth.AuditRecord) bool { return r.Seq <= after })
	return list[:min(len(list), limit)], nil
}

func (m *memory) AddMessage(msg auth.Message) error {
	m.messages = append(m.messages, msg)
	return nil
}

// approved is an event with all that one can have.
func approved(name string) auth.Event {
	return auth.Event{
		Type: auth.EventApproved, Actor: auth.ActorPerson, ClientID: "app",
		Risk: "medium", Reasons: []string{"other_network", "opened_twice"}, Note: "a number is awaited",
		Personal: auth.Personal{
			UserID: "u1", UserName: name, SessionID: "s1", GrantID: "g1", Browser: "b1",
			Address: netip.MustParseAddr("192.0.2.7"), DesktopOrigin: netip.MustParseAddr("2001:db8::7"),
			Place: "Zürich", DeviceName: "ALICE-PC <1>", KeyThumbprint: "k1", Passkey: "p1",
		},
	}
}

// rotated is an event about nobody.
func rotated() auth.Event {
	return auth.Event{Type: auth.EventKeyRotated, Actor: auth.ActorServer}
}

// events are some of different kinds.
func events() []auth.Event {
	return []auth.Event{approved("Ada"), rotated(), approved("Grace"), approved("Ada"), rotated(), approved("Edsger")}
}

// write records the events, one a second.
func write(t testing.TB, st store.Store, list ...auth.Event) {
	t.Helper()
	for i, e := range list {
		at := noon.Add(time.Duration(i) * time.Second)
		err := st.Update(context.Background(), func(tx store.Tx) error { return audit.Recorder{}.Record(tx, at, e) })
		if err != nil {
			t.Errorf("record %s: %v", e.Type, err)
			return
		}
	}
}

// read is the whole log.
func read(t testing.TB, st store.Store) (list []auth.AuditRecord) {
	t.Helper()
	err := audit.Each(context.Background(), st, 0, func(r auth.AuditRecord) error {
		list = append(list, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func openAt(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "qrauthd.db") }
