package endurance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnInquestFindsWhatIsMissing changes what a server has left, a little each time,
// and wants it to show: checks that find nothing in a hundred cuts must be able to.
func TestAnInquestFindsWhatIsMissing(t *testing.T) {
	w := found(t, 1)
	denial := w.ledger.next(denied)
	w.settleIn(crew{plain: 3, bound: 1, people: 2}) // nobody holds sessions: they stay on the shelf
	<-denial
	for range 3 {
		<-w.ledger.next(signedIn)
	}
	w.windDown(t)
	d := w.newDesk()
	renewed, ended := <-w.shelf, <-w.shelf
	d.renew(renewed)
	d.signOut(ended)
	d.line.hangUp()
	if err := w.power.off(); err != nil {
		t.Fatal(err)
	}
	page := w.ledger.page()
	whole := newInquest(page)
	whole.examine(w.copy(t))
	if len(whole.faults) > 0 {
		t.Fatalf("before anything was changed:\n%s", strings.Join(whole.faults, "\n"))
	}
	for name, tc := range map[string]struct {
		change string
		want   string
	}{
		"an approval is undone": {
			"UPDATE grants SET state = 'confirming' WHERE state = 'redeemed'", "it was told to be approved, but it is confirming",
		},
		"a denial is undone": {
			"UPDATE grants SET state = 'pending' WHERE state = 'denied'", "it was told to be denied, but it is pending",
		},
		"what was denied is approved": {
			"UPDATE grants SET state = 'approved' WHERE state = 'denied'", "nobody asked for it to be approved",
		},
		"what was spent can be spent again": {
			"UPDATE grants SET state = 'approved' WHERE state = 'redeemed'", "it was told to be signed in, but it is approved",
		},
		"a grant is missing": {
			"DELETE FROM grants WHERE state = 'denied'", "its code was given out, but there is no grant",
		},
		"a session is missing": {
			"DELETE FROM sessions", "got 0 sessions, and 0 records of their end",
		},
		"a session is signed in again": {
			`CREATE TEMP TABLE again AS SELECT * FROM sessions LIMIT 1;
			UPDATE again SET family_hash = NULL, (id, grant_id, device_name) = (
				SELECT CAST(personal AS TEXT) ->> '$.session_id', CAST(personal AS TEXT) ->> '$.grant_id', CAST(personal AS TEXT) ->> '$.device_name'
				FROM audit WHERE type = 'session.signed_out' LIMIT 1);
			INSERT INTO sessions SELECT * FROM again`, "it was told to be signed out, but",
		},
		"a session is another's": {
			"UPDATE sessions SET id = 'other ' || id", "its tokens are of one session, but the session is another",
		},
		"a refresh is undone": {
			"UPDATE sessions SET generation = generation - 1 WHERE generation > 0", "refreshes were answered, but the session is at",
		},
		"a refresh token is missing": {
			"DELETE FROM refreshes", "a session can be refreshed, but it has no token",
		},
		"an account is missing": {
			"DELETE FROM users", "the account was made, but it is missing",
		},
		"a passkey is missing": {
			"DELETE FROM passkeys", "an account has a passkey and a record, but got 1 accounts, 0 passkeys",
		},
		"a record of an approval is missing": {
			"DROP TRIGGER audit_is_never_deleted; DELETE FROM audit WHERE type = 'sign_in.approved'", "got 0 records sign_in.approved, want 1",
		},
		"a record of a denial is there twice": {
			"INSERT INTO audit SELECT seq + 1000000, at, type, actor, client_id, risk, reasons, note, personal, personal_hash, previous_hash, hash FROM audit WHERE type = 'sign_in.denied'",
			"got 2 records sign_in.denied, want 1",
		},
		"a row belongs to nobody": {
			"PRAGMA foreign_keys = OFF; UPDATE sessions SET user_id = 'nobody'", "foreign_key_check: a row of sessions has no users",
		},
		"an index misses a row": {
			"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'user_id', 'client_id') WHERE name = 'sessions_by_user'", "integrity_check",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := w.copy(t)
			change(t, dir, tc.change)
			q := newInquest(page)
			q.examine(dir)
			if all := strings.Join(q.faults, "\n"); !strings.Contains(all, tc.want) {
				t.Errorf("got %q, want a fault with %q", all, tc.want)
			}
		})
	}
	t.Run("the chain of the audit log is broken", func(t *testing.T) {
		dir := w.copy(t)
		change(t, dir, "DROP TRIGGER audit_is_never_deleted; DELETE FROM audit WHERE seq = 3")
		q := newInquest(page)
		if q.verify(dir); !strings.Contains(strings.Join(q.faults, "\n"), "audit verify") {
			t.Errorf("got %q, want audit verify to fail", q.faults)
		}
	})
}

// copy is a folder with a copy of what the server has left.
func (w *town) copy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := salvage(w.power.launch.Data, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// change runs statements on the database in the folder.
func change(t *testing.T, dir, statements string) {
	t.Helper()
	w, err := openWreck(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Exec(statements); err != nil {
		t.Fatal(err)
	}
}
