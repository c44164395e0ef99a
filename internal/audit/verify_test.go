package audit_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3"
	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// byHand does to the database what somebody could who has the file and knows the schema.
func byHand(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append([]string{`DROP TRIGGER IF EXISTS audit_is_never_changed`, `DROP TRIGGER IF EXISTS audit_is_never_deleted`}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// setHash is the statement that gives the record a hash.
func setHash(column string, seq int64, h secret.Hash) string {
	return fmt.Sprintf(`UPDATE audit SET %s = x'%x' WHERE seq = %d`, column, h[:], seq)
}

// rewrite are the statements that give all records from one on hashes that fit, as
// they are now, and move the head.
func rewrite(t *testing.T, path string, from int64) (statements []string) {
	t.Helper()
	st := openAt(t, path)
	var previous secret.Hash
	for _, r := range read(t, st) {
		if r.Seq >= from {
			r.Previous = previous
			r.Hash = audit.Hash(r)
			statements = append(statements, setHash("previous_hash", r.Seq, r.Previous), setHash("hash", r.Seq, r.Hash),
				fmt.Sprintf(`UPDATE audit_head SET seq = %d, hash = x'%x'`, r.Seq, r.Hash[:]))
		}
		previous = r.Hash
	}
	return statements
}

const insert = `INSERT INTO audit (seq, at, type, actor, client_id, risk, reasons, note, personal, personal_hash, previous_hash, hash)
	SELECT %s, at, type, actor, client_id, risk, reasons, note, personal, personal_hash, previous_hash, hash FROM audit WHERE seq = %d`

// TestVerifyFinds has a log of six records, of which 2 and 5 are about nobody.
func TestVerifyFinds(t *testing.T) {
	const broken = "somebody changed it, or moved it"
	whole := newPath(t)
	noted := seed(t, whole)
	for name, tc := range map[string]struct {
		hand []string
		seq  int64
		why  string
	}{
		"another time":                            {[]string{`UPDATE audit SET at = at + 1 WHERE seq = 3`}, 3, broken},
		"another type":                            {[]string{`UPDATE audit SET type = 'sign_in.denied' WHERE seq = 3`}, 3, broken},
		"another actor":                           {[]string{`UPDATE audit SET actor = 'operator' WHERE seq = 3`}, 3, broken},
		"another client":                          {[]string{`UPDATE audit SET client_id = 'other' WHERE seq = 3`}, 3, broken},
		"a client where there was none":           {[]string{`UPDATE audit SET client_id = 'app' WHERE seq = 2`}, 2, broken},
		"another risk":                            {[]string{`UPDATE audit SET risk = 'low' WHERE seq = 3`}, 3, broken},
		"one reason less":                         {[]string{`UPDATE audit SET reasons = 'other_network' WHERE seq = 3`}, 3, broken},
		"two reasons as one":                      {[]string{`UPDATE audit SET reasons = replace(reasons, ' ', '') WHERE seq = 3`}, 3, broken},
		"another note":                            {[]string{`UPDATE audit SET note = '' WHERE seq = 3`}, 3, broken},
		"a letter moved from one to another":      {[]string{`UPDATE audit SET risk = 'mediu', note = 'm' || note WHERE seq = 3`}, 3, broken},
		"another hash":                            {[]string{setHash("hash", 3, secret.From("x").Hash())}, 3, broken},
		"no hash":                                 {[]string{`UPDATE audit SET hash = NULL WHERE seq = 3`}, 3, broken},
		"another record before it":                {[]string{setHash("previous_hash", 3, secret.From("x").Hash())}, 3, broken},
		"another hash of the newest":              {[]string{setHash("hash", 6, secret.From("x").Hash())}, 6, broken},
		"the first changed":                       {[]string{`UPDATE audit SET note = 'x' WHERE seq = 1`}, 1, broken},
		"the newest changed":                      {[]string{`UPDATE audit SET note = 'x' WHERE seq = 6`}, 6, broken},
		"other personal data":                     {[]string{`UPDATE audit SET personal = CAST(replace(CAST(personal AS TEXT), 'Grace', 'Alan') AS BLOB) WHERE seq = 3`}, 3, "personal data"},
		"personal data that is no JSON":           {[]string{`UPDATE audit SET personal = x'00' WHERE seq = 3`}, 3, "personal data"},
		"personal data where there was none":      {[]string{`UPDATE audit SET personal = x'7b7d' WHERE seq = 2`}, 2, "personal data"},
		"personal data with its hash":             {[]string{`UPDATE audit SET (personal, personal_hash) = (SELECT personal, personal_hash FROM audit WHERE seq = 1) WHERE seq = 3`}, 3, broken},
		"personal data taken out with its hash":   {[]string{`UPDATE audit SET personal = NULL, personal_hash = NULL WHERE seq = 3`}, 3, broken},
		"personal data of two records exchanged":  {[]string{`UPDATE audit SET personal = (SELECT personal FROM audit AS other WHERE other.seq = 4 - audit.seq) WHERE seq IN (1, 3)`}, 1, "personal data"},
		"the first taken out":                     {[]string{`DELETE FROM audit WHERE seq = 1`}, 1, "it is missing: somebody took it out"},
		"one in the middle taken out":             {[]string{`DELETE FROM audit WHERE seq = 3`}, 3, "it is missing: somebody took it out"},
		"some in the middle taken out":            {[]string{`DELETE FROM audit WHERE seq BETWEEN 2 AND 4`}, 2, "those up to record 4"},
		"the newest taken out":                    {[]string{`DELETE FROM audit WHERE seq = 6`}, 6, "it is missing: somebody took the end"},
		"the end taken out":                       {[]string{`DELETE FROM audit WHERE seq > 3`}, 4, "those up to record 6"},
		"all taken out":                           {[]string{`DELETE FROM audit`}, 1, "those up to record 6"},
		"two exchanged":                           {[]string{`UPDATE audit SET seq = -seq WHERE seq IN (3, 4)`, `UPDATE audit SET seq = 7 + seq WHERE seq < 0`}, 3, broken},
		"one taken out, the rest numbered anew":   {[]string{`DELETE FROM audit WHERE seq = 3`, `UPDATE audit SET seq = seq - 1 WHERE seq > 3`}, 3, broken},
		"the first out, the rest numbered anew":   {[]string{`DELETE FROM audit WHERE seq = 1`, `UPDATE audit SET seq = seq - 1`}, 1, broken},
		"a copy put in at the end":                {[]string{fmt.Sprintf(insert, "7", 6)}, 7, broken},
		"a copy put in at the end, a gap between": {[]string{fmt.Sprintf(insert, "9", 6)}, 7, "those up to record 8"},
		"one put in before the first":             {[]string{fmt.Sprintf(insert, "0", 1)}, 0, "no place in the log, where record 1 comes next"},
		"one put in where nobody looks":           {[]string{fmt.Sprintf(insert, "-5", 1)}, -5, "no place in the log"},
		"the head moved back":                     {[]string{`UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = 5)`}, 6, "changed the head"},
		"the head moved on":                       {[]string{`UPDATE audit_head SET seq = 8`}, 7, "those up to record 8"},
		"another hash of the head":                {[]string{`UPDATE audit_head SET hash = x'` + strings.Repeat("00", 32) + `'`}, 6, "changed the head"},
		"no head":                                 {[]string{`DELETE FROM audit_head`}, 6, "changed the head"},
		"a head that cannot be read":              {[]string{`UPDATE audit_head SET hash = x'00'`}, 6, "cannot be told"},
		"a hash that cannot be read":              {[]string{`UPDATE audit SET hash = x'00' WHERE seq = 3`}, 3, "it cannot be read"},
		"the end taken out and the head moved after it, with an eye on the newest of before": {
			[]string{`DELETE FROM audit WHERE seq > 4`, `UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit WHERE seq = 4)`}, 5, "an older copy of the database",
		},
		"all taken out and the head with it": {[]string{`DELETE FROM audit`, `UPDATE audit_head SET seq = 0, hash = NULL`}, 1, "an older copy of the database"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			copyFile(t, whole, path)
			byHand(t, path, tc.hand...)
			wantFault(t, path, audit.Check{Expect: []auth.AuditHead{noted}}, tc.seq, tc.why)
		})
	}
}

// copyFile copies a database that nobody has open.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// seed writes the log of events and returns its head.
func seed(t *testing.T, path string) auth.AuditHead {
	t.Helper()
	st := openAt(t, path)
	write(t, st, events()...)
	report, err := audit.Verify(t.Context(), st, audit.Check{})
	if err != nil || report.Records != int64(len(events())) {
		t.Fatalf("before: got %+v, %v; want no fault", report, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return report.Head
}

func wantFault(t *testing.T, path string, c audit.Check, seq int64, why string) {
	t.Helper()
	report, err := audit.Verify(t.Context(), openAt(t, path), c)
	var fault *audit.Fault
	if !errors.As(err, &fault) || !errors.Is(err, audit.ErrBroken) {
		t.Fatalf("got %+v, %v; want a fault", report, err)
	}
	if fault.Seq != seq || !strings.Contains(fault.Why, why) {
		t.Errorf("got %v; want one at record %d: … %s", err, seq, why)
	}
	if seq > 0 && report.Records > seq {
		t.Errorf("it calls %d records good", report.Records)
	}
}

// TestARewrittenLogShowsWhenAHeadWasNoted has somebody make the chain whole again, which
// nothing within the database can show.
func TestARewrittenLogShowsWhenAHeadWasNoted(t *testing.T) {
	for name, tc := range map[string]struct {
		hand []string
		from int64
	}{
		"one changed":                           {[]string{`UPDATE audit SET note = 'x' WHERE seq = 3`}, 3},
		"one taken out, the rest numbered anew": {[]string{`DELETE FROM audit WHERE seq = 3`, `UPDATE audit SET seq = seq - 1 WHERE seq > 3`}, 3},
		"two exchanged":                         {[]string{`UPDATE audit SET seq = -seq WHERE seq IN (3, 4)`, `UPDATE audit SET seq = 7 + seq WHERE seq < 0`}, 3},
		"one put in at the start":               {[]string{`UPDATE audit SET seq = -seq`, `UPDATE audit SET seq = 1 - seq`, fmt.Sprintf(insert, "1", 2)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			noted, early := seed(t, path), headBefore(t, path, tc.from)
			byHand(t, path, tc.hand...)
			byHand(t, path, rewrite(t, path, tc.from)...)
			if _, err := audit.Verify(t.Context(), openAt(t, path), audit.Check{}); err != nil {
				t.Fatalf("the chain was not made whole: %v", err)
			}
			if _, err := audit.Verify(t.Context(), openAt(t, path), audit.Check{Expect: []auth.AuditHead{early}}); err != nil {
				t.Errorf("with a head from before the change: got %v, want no fault", err)
			}
			_, err := audit.Verify(t.Context(), openAt(t, path), audit.Check{Expect: []auth.AuditHead{noted}})
			if !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), "noted before") {
				t.Errorf("got %v, want a fault that tells of what was noted", err)
			}
		})
	}
}

// headBefore is the head of when the record was the next.
func headBefore(t *testing.T, path string, seq int64) (head auth.AuditHead) {
	t.Helper()
	for _, r := range read(t, openAt(t, path))[:seq-1] {
		head = auth.AuditHead{Seq: r.Seq, Hash: r.Hash}
	}
	return head
}

func TestForgottenDataIsNoFault(t *testing.T) {
	st := openAt(t, newPath(t))
	write(t, st, events()...)
	before := noon.Add(2*time.Second + time.Millisecond)
	err := st.Update(t.Context(), func(tx store.Tx) error {
		_, err := tx.ForgetAudit(before, 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := audit.Verify(t.Context(), st, audit.Check{})
	if err != nil {
		t.Fatal(err)
	}
	newest := read(t, st)[5]
	want := audit.Report{
		Records: 6, Forgotten: 2, ForgottenUntil: noon.Add(2 * time.Second).Truncate(time.Microsecond),
		Head: auth.AuditHead{Seq: 6, Hash: newest.Hash},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got)\n%s", diff)
	}
}

func TestALogWithoutRecordsIsWhole(t *testing.T) {
	got, err := audit.Verify(t.Context(), openAt(t, newPath(t)), audit.Check{Expect: []auth.AuditHead{{}}})
	if err != nil || got != (audit.Report{}) {
		t.Errorf("got %+v, %v; want nothing, and no fault", got, err)
	}
}

func TestALongLogIsReadInPages(t *testing.T) {
	st := new(memory)
	for range 1203 {
		write(t, st, rotated())
	}
	var told []int64
	report, err := audit.Verify(t.Context(), st, audit.Check{Progress: func(n int64) { told = append(told, n) }})
	if err != nil || report.Records != 1203 || report.Head != st.head {
		t.Errorf("got %+v, %v; want 1203 records", report, err)
	}
	if diff := cmp.Diff([]int64{500, 1000, 1203}, told); diff != "" {
		t.Errorf("progress (-want +got)\n%s", diff)
	}
	if got := len(read(t, st)); got != 1203 {
		t.Errorf("Each: got %d records, want 1203", got)
	}
	st.records[1100].Note = "x"
	if _, err := audit.Verify(t.Context(), st, audit.Check{}); !errors.Is(err, audit.ErrBroken) {
		t.Errorf("a change on the third page: got %v, want a fault", err)
	}
}

func TestALogThatGrowsMeanwhileIsWhole(t *testing.T) {
	st := new(memory)
	for range 1000 {
		write(t, st, rotated())
	}
	st.reading = func() error {
		write(t, st, approved("Ada"))
		return nil
	}
	report, err := audit.Verify(t.Context(), st, audit.Check{})
	if err != nil || report.Records != 1003 {
		t.Errorf("got %+v, %v; want the 1003 records that there were at the last reading", report, err)
	}
}

func TestWhatCannotBeReadNowIsNoFault(t *testing.T) {
	st := new(memory)
	write(t, st, events()...)
	st.reading = func() error { return fmt.Errorf("disk: %w", store.ErrUnavailable) }
	if _, err := audit.Verify(t.Context(), st, audit.Check{}); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("a disk that fails: got %v, want ErrUnavailable", err)
	}
	if err := audit.Each(t.Context(), st, 0, func(auth.AuditRecord) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Each: got %v, want ErrUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	st.reading = ctx.Err
	if _, err := audit.Verify(ctx, st, audit.Check{}); !errors.Is(err, context.Canceled) || errors.Is(err, audit.ErrBroken) {
		t.Errorf("a context that ended: got %v, want its error", err)
	}
}

func TestEachBeginsAfterARecordAndStopsWithAnError(t *testing.T) {
	st := new(memory)
	write(t, st, events()...)
	enough := errors.New("enough")
	var seen []int64
	err := audit.Each(t.Context(), st, 2, func(r auth.AuditRecord) error {
		if seen = append(seen, r.Seq); len(seen) == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Errorf("got %v, want the error of the function", err)
	}
	if diff := cmp.Diff([]int64{3, 4, 5}, seen); diff != "" {
		t.Errorf("records (-want +got)\n%s", diff)
	}
	if err := audit.Each(t.Context(), st, math.MaxInt64, func(auth.AuditRecord) error { return enough }); err != nil {
		t.Errorf("after the last: got %v, want none", err)
	}
}

// TestAnyChangeOfAnyMemberIsFound changes one member of one record. What AuditRecord will
// gain must be in its hash, or this test fails.
func TestAnyChangeOfAnyMemberIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		st := new(memory)
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			e := rapid.SampledFrom(events()).Draw(t, "event")
			if err := (audit.Recorder{}).Record(st, noon, e); err != nil {
				t.Fatal(err)
			}
		}
		record := &st.records[rapid.IntRange(0, len(st.records)-1).Draw(t, "record")]
		members := reflect.ValueOf(record).Elem()
		n := rapid.IntRange(0, members.NumField()-1).Draw(t, "member")
		change(t, members.Field(n))
		_, err := audit.Verify(context.Background(), st, audit.Check{})
		if !errors.Is(err, audit.ErrBroken) {
			t.Errorf("another %s of record %d: got %v, want a fault", members.Type().Field(n).Name, record.Seq, err)
		}
	})
}

// change makes another value of it, but not nothing of personal data, which is no fault.
func change(t *rapid.T, member reflect.Value) {
	switch v := member.Addr().Interface().(type) {
	case *int64:
		*v += rapid.Int64Range(1, math.MaxInt64).Draw(t, "more")
	case *time.Time:
		*v = v.Add(time.Duration(rapid.Int64Range(1, 1e9).Draw(t, "later")) * time.Microsecond)
	case *[]string:
		*v = append(*v, rapid.StringN(0, 3, -1).Draw(t, "reason"))
	case *[]byte:
		*v = append([]byte(hex.EncodeToString(*v)), rapid.Byte().Draw(t, "byte"))
	case *secret.Hash:
		v[rapid.IntRange(0, len(v)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
	default:
		if member.Kind() != reflect.String {
			t.Fatalf("cannot change a %s: teach this test", member.Type())
		}
		member.SetString(member.String() + rapid.StringN(1, 3, -1).Draw(t, "text"))
	}
}
