package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// auditOf makes a database with so many records in its log.
func auditOf(t *testing.T, records int) (db *DB, path string) {
	t.Helper()
	path = newPath(t)
	db = openAt(t, path, Options{})
	for range records {
		appendRecord(t, db, []byte("about a person"))
	}
	return db, path
}

func appendRecord(t *testing.T, db *DB, personal []byte) {
	t.Helper()
	if err := tryAppendRecord(db, personal); err != nil {
		t.Fatal(err)
	}
}

func tryAppendRecord(db *DB, personal []byte) error {
	return db.Update(context.Background(), func(tx store.Tx) error {
		head, err := tx.AuditHead()
		if err != nil {
			return err
		}
		return tx.AddAudit(auth.AuditRecord{
			Seq: head.Seq + 1, At: seconds(head.Seq + 1), Note: "a note", Personal: personal,
			PersonalHash: secret.Must().Hash(), Previous: head.Hash, Hash: secret.Must().Hash(),
		})
	})
}

func head(t *testing.T, db *DB) (h auth.AuditHead) {
	t.Helper()
	if err := db.View(context.Background(), func(tx store.Tx) (err error) {
		h, err = tx.AuditHead()
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTheAuditLogIsGuardedAgainstMistakes(t *testing.T) {
	_, path := auditOf(t, 2)
	mistakes := []string{
		`UPDATE audit SET note = 'another' WHERE seq = 1`,
		`UPDATE audit SET seq = 7 WHERE seq = 1`,
		`UPDATE audit SET at = 0, personal = NULL`,
		`UPDATE audit SET reasons = 'none'`,
		`UPDATE audit SET hash = previous_hash`,
		`DELETE FROM audit WHERE seq = 2`,
		`DELETE FROM audit`,
	}
	raw, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for _, m := range mistakes {
		if _, err := raw.Exec(m); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%s: got %v, want that it never happens", m, err)
		}
	}
	// Malice is not stopped here: the chain shows it.
	rawExec(t, path, append([]string{`DROP TRIGGER audit_is_never_changed`, `DROP TRIGGER audit_is_never_deleted`}, mistakes...)...)
}

// TestARecordBeyondTheHeadIsInTheWay: somebody has put it there, or has set the head back.
func TestARecordBeyondTheHeadIsInTheWay(t *testing.T) {
	db, path := auditOf(t, 2)
	rawExec(t, path, `UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit WHERE seq = 1)`)
	before := head(t, db)
	if before.Seq != 1 {
		t.Fatalf("got the head %d, want 1", before.Seq)
	}
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		err := tx.AddAudit(auth.AuditRecord{Seq: 2, Previous: before.Hash, Hash: secret.Must().Hash()})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
		return nil // the function goes on
	}); err != nil {
		t.Fatal(err)
	}
	if got := head(t, db); got != before {
		t.Errorf("got the head %d, want that it stayed at %d", got.Seq, before.Seq)
	}
}

func TestAHeadThatIsTakenOutIsZeroAndNothingFollowsIt(t *testing.T) {
	db, path := auditOf(t, 2)
	rawExec(t, path, `DELETE FROM audit_head`)
	if got := head(t, db); got != (auth.AuditHead{}) {
		t.Errorf("got the head %+v, want the zero one", got)
	}
	if err := tryAppendRecord(db, nil); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
}

func TestWhatIsForgottenLeavesNoTrace(t *testing.T) {
	db, path := auditOf(t, 0)
	gone, kept := bytes.Repeat([]byte("Alice at home "), 40), []byte("Bob is kept")
	for range 50 {
		appendRecord(t, db, gone)
	}
	appendRecord(t, db, kept)
	if err := db.Update(context.Background(), func(tx store.Tx) error {
		n, err := tx.ForgetAudit(seconds(51), 100)
		if n != 50 {
			t.Errorf("got %d records, want 50", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, kept) {
		t.Fatal("what is kept is not in the file")
	}
	if bytes.Contains(content, gone[:24]) {
		t.Error("what is forgotten is still in the file")
	}
}
