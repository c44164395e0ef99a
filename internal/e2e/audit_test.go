package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

// verdict is what "qrauthd audit verify" says.
type verdict struct {
	code             int
	stdout, complain string
}

// verify looks at the audit log in a data folder. Its people are forgotten after a day.
func verify(t *testing.T, data string, args ...string) verdict {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(binary("qrauthd"), append([]string{"audit", "verify", "--data", data}, args...)...)
	cmd.Env = append(os.Environ(), "QRAUTHD_AUDIT_KEEP=24h")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return verdict{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// intact wants the log to be that, and returns its head.
func (v verdict) intact(t *testing.T, records int64) (head string) {
	t.Helper()
	said, head, _ := strings.Cut(strings.TrimSpace(v.stdout), ", head ")
	if want := fmt.Sprintf("intact: %d records", records); v.code != 0 || said != want {
		t.Errorf("got exit code %d and %q %q, want 0 and %q", v.code, v.stdout, v.complain, want)
	}
	return head
}

// brokenAt wants a fault at that record, and none before.
func (v verdict) brokenAt(t *testing.T, seq int64, why string) {
	t.Helper()
	if v.code != 1 || v.stdout != "" {
		t.Errorf("got exit code %d and %q, want 1 and nothing", v.code, v.stdout)
	}
	want := fmt.Sprintf("the audit log is broken at record %d: ", seq)
	if !strings.Contains(v.complain, want) || !strings.Contains(v.complain, why) {
		t.Errorf("got %q, want %q and %q", v.complain, want, why)
	}
}

// history is the data of a server that was stopped after two people had made use of it.
type history struct {
	data   string
	last   int64 // the newest record
	middle int64 // an approval
	head   string
}

// live has two people sign in, sign out, and say no, and stops the server.
func live(t *testing.T) (*server, history) {
	t.Helper()
	s := serve(t)
	for _, person := range []string{"Ada", "Grace"} {
		p := newPhone(t)
		p.signUp(s, person)
		enter(t, sdk(t, s.issuer), p)
		p.press("Your computers")
		p.inRow("ALICE-PC", "Sign out")
		p.see("That computer is signed out.")
		login := begin(t, sdk(t, s.issuer, named("WORKSTATION-9", "Windows 11")))
		p.open(login.Current().Link())
		p.press("Deny")
		p.see("Nobody was signed in")
		if _, err := login.Wait(t.Context()); !errors.Is(err, desktop.ErrDenied) {
			t.Fatalf("got %v, want ErrDenied", err)
		}
	}
	h := history{data: s.data}
	for _, r := range s.audit(t) {
		if h.last = r.Seq; r.Type == string(auth.EventApproved) && r.Personal.UserName == "Grace" {
			h.middle = r.Seq
		}
	}
	if h.middle < 3 || h.last < h.middle+3 {
		t.Fatalf("the log has %d records, and the second approval is in record %d", h.last, h.middle)
	}
	h.head = verify(t, s.data).intact(t, h.last) // beside the server
	s.stop()
	return s, h
}

// copied is a copy of the data folder.
func (h history) copied(t *testing.T) (data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(data, os.DirFS(h.data)); err != nil {
		t.Fatal(err)
	}
	return data
}

// byHand runs statements on the database in a data folder.
func byHand(data string, statements string, args ...any) error {
	db, err := sql.Open("sqlite3", filepath.Join(data, "qrauthd.db"))
	if err != nil {
		return err
	}
	_, err = db.Exec(statements, args...)
	return errors.Join(err, db.Close())
}

// unguarded is a copy of the data folder in which the log can be changed.
func (h history) unguarded(t *testing.T) (data string) {
	t.Helper()
	data = h.copied(t)
	if err := byHand(data, `DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_deleted`); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAuditVerifyFindsTamperingWithTheLogOfRealSignIns(t *testing.T) {
	t.Parallel()
	_, h := live(t)
	changed := "somebody changed it"
	for name, c := range map[string]struct {
		sql string // $1 is the middle record, $2 the last
		seq int64
		why string
	}{
		"when it was":               {`UPDATE audit SET at = at + 1 WHERE seq = $1`, h.middle, changed},
		"what happened":             {`UPDATE audit SET type = 'sign_in.denied' WHERE seq = $1`, h.middle, changed},
		"who did it":                {`UPDATE audit SET actor = 'operator' WHERE seq = $1`, h.middle, changed},
		"by which app":              {`UPDATE audit SET client_id = 'another' WHERE seq = $1`, h.middle, changed},
		"at which risk":             {`UPDATE audit SET risk = 'high' WHERE seq = $1`, h.middle, changed},
		"what the risk was":         {`UPDATE audit SET reasons = 'reported' WHERE seq = $1`, h.middle, changed},
		"the note":                  {`UPDATE audit SET note = note || '!' WHERE seq = $1`, h.middle, changed},
		"whom it is about":          {`UPDATE audit SET personal = CAST(replace(personal, 'Grace', 'Ada') AS BLOB) WHERE seq = $1`, h.middle, "its personal data is not what was written"},
		"whom another is about":     {`UPDATE audit SET personal = (SELECT personal FROM audit WHERE seq = $1 + 1) WHERE seq = $1`, h.middle, "put that of another record in its place"},
		"the hash of a person":      {`UPDATE audit SET personal_hash = randomblob(32) WHERE seq = $1`, h.middle, changed},
		"the hash before":           {`UPDATE audit SET previous_hash = randomblob(32) WHERE seq = $1`, h.middle, changed},
		"its hash":                  {`UPDATE audit SET hash = randomblob(32) WHERE seq = $1`, h.middle, changed},
		"a hash that is none":       {`UPDATE audit SET hash = x'00' WHERE seq = $1`, h.middle, "it cannot be read"},
		"the first is removed":      {`DELETE FROM audit WHERE seq = 1`, 1, "it is missing: somebody took it out"},
		"one is removed":            {`DELETE FROM audit WHERE seq = $1`, h.middle, "it is missing: somebody took it out"},
		"the last is removed":       {`DELETE FROM audit WHERE seq = $2`, h.last, "somebody took the end of the log out"},
		"the rest is numbered anew": {`DELETE FROM audit WHERE seq = $1; UPDATE audit SET seq = -seq WHERE seq > $1; UPDATE audit SET seq = -seq - 1 WHERE seq < 0`, h.middle, "moved it here"},
		"two change places":         {`UPDATE audit SET seq = -1 WHERE seq = $1; UPDATE audit SET seq = $1 WHERE seq = $1 + 1; UPDATE audit SET seq = $1 + 1 WHERE seq = -1`, h.middle, "moved it here"},
		"one is put in":             {`INSERT INTO audit SELECT $2 + 1, at, type, actor, client_id, risk, reasons, note, personal, personal_hash, previous_hash, hash FROM audit WHERE seq = $1`, h.last + 1, "moved it here"},
		"the head is set back":      {`UPDATE audit_head SET seq = $2 - 1, hash = (SELECT hash FROM audit WHERE seq = $2 - 1)`, h.last, "it is the newest, but the head of the log"},
	} {
		t.Run(name, func(t *testing.T) {
			data := h.unguarded(t)
			if err := byHand(data, h.fill(c.sql)); err != nil {
				t.Fatal(err)
			}
			verify(t, data).brokenAt(t, c.seq, c.why)
		})
	}
	t.Run("a hasty hand is stopped", func(t *testing.T) {
		data := h.copied(t)
		for _, statement := range []string{`UPDATE audit SET note = '' WHERE seq = $1`, `DELETE FROM audit WHERE seq = $2`} {
			if err := byHand(data, h.fill(statement)); err == nil || !strings.Contains(err.Error(), "a record of the audit log is never") {
				t.Errorf("%s: got %v, want a refusal", statement, err)
			}
		}
		verify(t, data, "--expect", h.head).intact(t, h.last)
	})
	t.Run("whom a record is about is deleted too soon", func(t *testing.T) {
		data := h.copied(t)
		if err := byHand(data, h.fill(`UPDATE audit SET personal = NULL WHERE seq = $1`)); err != nil {
			t.Fatal(err)
		}
		v := verify(t, data)
		if v.code != 1 || !strings.Contains(v.complain, "somebody did it by hand") {
			t.Errorf("got exit code %d, %q; want 1, and what may have happened", v.code, v.complain)
		}
	})
}

// fill puts the numbers of records in.
func (h history) fill(statements string) string {
	return strings.NewReplacer("$1", fmt.Sprint(h.middle), "$2", fmt.Sprint(h.last)).Replace(statements)
}

// TestAuditVerifyFindsALogThatWasWrittenAnew: the chain has no key, so that takes a head
// that was noted elsewhere.
func TestAuditVerifyFindsALogThatWasWrittenAnew(t *testing.T) {
	t.Parallel()
	_, h := live(t)
	heads := h.heads(t)
	t.Run("from a record on", func(t *testing.T) {
		data := h.unguarded(t)
		forge(t, data, func(r *auth.AuditRecord) {
			if r.Seq == h.middle {
				r.ClientID = "another"
			}
		})
		verify(t, data).intact(t, h.last)
		verify(t, data, "--expect", heads[h.middle-1]).intact(t, h.last)
		for _, seq := range []int64{h.middle, h.middle + 1, h.last} {
			verify(t, data, "--expect", heads[seq]).brokenAt(t, seq, "its hash is another than was noted before")
		}
		v := verify(t, data, "--expect", h.head, "--expect", heads[h.middle])
		v.brokenAt(t, h.middle, "somebody wrote the log anew, from this record or an earlier one on")
	})
	t.Run("without its end", func(t *testing.T) {
		data := h.unguarded(t)
		cut := `DELETE FROM audit WHERE seq = $2; UPDATE audit_head SET seq = $2 - 1, hash = (SELECT hash FROM audit WHERE seq = $2 - 1)`
		if err := byHand(data, h.fill(cut)); err != nil {
			t.Fatal(err)
		}
		verify(t, data, "--expect", heads[h.last-1]).intact(t, h.last-1)
		verify(t, data, "--expect", h.head).brokenAt(t, h.last, "it is missing, of which the last was noted before")
	})
}

// records reads the log in a data folder.
func records(t *testing.T, data string) (list []auth.AuditRecord) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(data, "qrauthd.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = audit.Each(t.Context(), db, 0, func(r auth.AuditRecord) error {
		list = append(list, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// heads are those that the log had after each record.
func (h history) heads(t *testing.T) map[int64]string {
	t.Helper()
	heads := map[int64]string{}
	for _, r := range records(t, h.copied(t)) {
		heads[r.Seq] = audit.FormatHead(auth.AuditHead{Seq: r.Seq, Hash: r.Hash})
	}
	return heads
}

// forge writes the log in a data folder anew, with what change makes of each record, so
// that it fits together.
func forge(t *testing.T, data string, change func(*auth.AuditRecord)) {
	t.Helper()
	var before secret.Hash
	for _, r := range records(t, data) {
		change(&r)
		r.Previous = before
		before = audit.Hash(r)
		err := byHand(data, `UPDATE audit SET at = ?, client_id = ?, hash = ? WHERE seq = ?`, r.At.UnixMicro(), string(r.ClientID), before[:], r.Seq)
		if err == nil && r.Seq > 1 {
			err = byHand(data, `UPDATE audit SET previous_hash = ? WHERE seq = ?`, r.Previous[:], r.Seq)
		}
		if err == nil {
			err = byHand(data, `UPDATE audit_head SET hash = ?`, before[:])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheRunningServerForgetsWhomItsLogIsAbout of a log that is a day older than it was.
func TestTheRunningServerForgetsWhomItsLogIsAbout(t *testing.T) {
	t.Parallel()
	s, h := live(t)
	var salts []string
	for _, r := range records(t, h.copied(t)) {
		var personal struct{ Salt string }
		if len(r.Personal) > 0 {
			if err := json.Unmarshal(r.Personal, &personal); err != nil || len(personal.Salt) < 16 {
				t.Fatalf("record %d: %v in %s", r.Seq, err, r.Personal)
			}
			salts = append(salts, personal.Salt)
		}
	}
	s.data = h.unguarded(t)
	forge(t, s.data, func(r *auth.AuditRecord) { r.At = r.At.Add(-25 * time.Hour) })
	verify(t, s.data).intact(t, h.last)
	if !s.holds(t, salts[0]) || !strings.Contains(s.operate(t, "audit", "list"), "Grace") {
		t.Fatal("the log does not know people from the beginning")
	}

	s.args = append(s.args, "--audit-keep", "24h")
	s.start(t)
	until(t, "the server says whom it has forgotten", func() bool {
		return strings.Contains(s.log(), fmt.Sprintf("the audit log forgot whom it was about\" records=%d", len(salts)))
	})
	if list := s.operate(t, "audit", "list", "--json"); strings.Contains(list, "Grace") || strings.Count(list, `"forgotten":true`) != len(salts) {
		t.Errorf("the log says still:\n%s", list)
	}
	v := verify(t, s.data)
	v.intact(t, h.last)
	if want := fmt.Sprintf("whom records are about: %d of them", len(salts)); !strings.Contains(v.complain, want) || strings.Contains(v.complain, "by hand") {
		t.Errorf("got %q, want %q", v.complain, want)
	}
	s.stop()
	for _, salt := range salts {
		if s.holds(t, salt) {
			t.Errorf("the chance %s of a record is on the disk still", salt)
		}
	}
}

// holds reports whether a text is in a file of the server's database.
func (s *server) holds(t *testing.T, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.data, "qrauthd.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no database in %s: %v", s.data, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}
