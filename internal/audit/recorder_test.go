package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

func TestARecordReadsBackFromTheStoreAsItWasHashed(t *testing.T) {
	st := openAt(t, newPath(t))
	write(t, st, events()...)
	list := read(t, st)
	if len(list) != len(events()) {
		t.Fatalf("got %d records, want %d", len(list), len(events()))
	}
	for i, r := range list {
		if got := audit.Hash(r); got != r.Hash {
			t.Errorf("record %d: its hash is %s, want %s", r.Seq, r.Hash, got)
		}
		e := events()[i]
		if r.Seq != int64(i+1) || r.Type != e.Type || r.Actor != e.Actor || r.ClientID != e.ClientID || r.Risk != e.Risk || r.Note != e.Note {
			t.Errorf("record %d: got %+v, want the event %+v", i+1, r, e)
		}
		if want := noon.Add(time.Duration(i) * time.Second).Truncate(time.Microsecond); !r.At.Equal(want) {
			t.Errorf("record %d: got the time %s, want %s", i+1, r.At, want)
		}
		if diff := cmp.Diff(e.Reasons, r.Reasons); diff != "" {
			t.Errorf("record %d: reasons (-want +got)\n%s", i+1, diff)
		}
		line, err := audit.Entry(r)
		if err != nil {
			t.Fatal(err)
		}
		var got auth.Personal
		if line.Personal != nil {
			got = line.Personal.Personal
		}
		if got != e.Personal {
			t.Errorf("record %d: got the personal data %+v, want %+v", i+1, got, e.Personal)
		}
	}
}

func TestWhatIsPersonalCannotBeGuessedFromItsHash(t *testing.T) {
	st := new(memory)
	write(t, st, approved("Ada"), approved("Ada"), rotated())
	a, b, nobody := st.records[0], st.records[1], st.records[2]
	if a.PersonalHash == b.PersonalHash || bytes.Equal(a.Personal, b.Personal) {
		t.Error("two records of the same personal data have the same hash: there is no chance in it")
	}
	if nobody.Personal != nil || !nobody.PersonalHash.IsZero() {
		t.Errorf("a record about nobody has personal data: %q, %s", nobody.Personal, nobody.PersonalHash)
	}
	var salted struct{ Salt string }
	if err := json.Unmarshal(a.Personal, &salted); err != nil || len(salted.Salt) < 22 {
		t.Errorf("got the salt %q, %v; want 128 bits", salted.Salt, err)
	}
}

func TestStrangersWordsAreCleaned(t *testing.T) {
	e := approved("Ada\u202e\x00\n Lovelace")
	e.DeviceName = strings.Repeat("x", 1000)
	e.Place = " Z\tü\r\nrich "
	e.Note = "one\ntwo\x1b[31m \u202ered " + strings.Repeat("n", 1000)
	e.Reasons = []string{"two words", "", "one"}
	var st memory
	write(t, &st, e)
	line, err := audit.Entry(st.records[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := line.Personal.UserName, "Ada Lovelace"; got != want {
		t.Errorf("got the name %q, want %q", got, want)
	}
	if got := len(line.Personal.DeviceName); got != auth.MaxDeviceField {
		t.Errorf("got a device name of %d characters, want %d", got, auth.MaxDeviceField)
	}
	if got, want := line.Personal.Place, "Z ü rich"; got != want {
		t.Errorf("got the place %q, want %q", got, want)
	}
	if got := line.Note; len([]rune(got)) != 500 || !strings.HasPrefix(got, "one two [31m  red nnn") {
		t.Errorf("got the note %q of %d characters, want one line of 500", got, len(got))
	}
	if diff := cmp.Diff([]string{"two_words", "one"}, line.Reasons); diff != "" {
		t.Errorf("reasons (-want +got)\n%s", diff)
	}
}

func TestTheWebhookIsToldOfWhatTheOperatorWants(t *testing.T) {
	var st memory
	recorder := audit.Recorder{Notify: func(e auth.EventType) bool { return e == auth.EventApproved }}
	for _, e := range []auth.Event{rotated(), approved("Ada"), rotated(), approved("Ada")} {
		if err := recorder.Record(&st, noon, e); err != nil {
			t.Fatal(err)
		}
	}
	if len(st.records) != 4 || len(st.messages) != 2 {
		t.Fatalf("got %d records and %d messages, want 4 and 2", len(st.records), len(st.messages))
	}
	m := st.messages[0]
	if !regexp.MustCompile(`^msg_[A-Za-z0-9_-]{22}$`).MatchString(m.ID) || m.ID == st.messages[1].ID {
		t.Errorf("got the IDs %q and %q, want random ones without a full stop", m.ID, st.messages[1].ID)
	}
	at := noon.Truncate(time.Microsecond)
	if !m.CreatedAt.Equal(at) || !m.DueAt.Equal(at) || m.Tries != 0 {
		t.Errorf("got %+v, want it to be due at once", m)
	}
	want := map[string]any{
		"type": "sign_in.approved", "timestamp": "2026-03-01T12:00:00.123456Z",
		"data": map[string]any{
			"actor": "person", "client_id": "app", "risk": "medium",
			"reasons": []any{"other_network", "opened_twice"}, "note": "a number is awaited",
			"user_id": "u1", "user_name": "Ada", "session_id": "s1", "grant_id": "g1", "browser": "b1",
			"address": "192.0.2.7", "desktop": "2001:db8::7", "place": "Zürich", "device_name": "ALICE-PC <1>", "key": "k1", "passkey": "p1",
		},
	}
	var got map[string]any
	if err := json.Unmarshal(m.Body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got)\n%s", diff)
	}
}

func TestTheZeroRecorderTellsNobody(t *testing.T) {
	var st memory
	write(t, &st, events()...)
	if len(st.messages) != 0 {
		t.Errorf("got %d messages, want none", len(st.messages))
	}
}

func TestTwoServersWriteOneChain(t *testing.T) {
	path := newPath(t)
	nodes := []store.Store{openAt(t, path), openAt(t, path)}
	var writing sync.WaitGroup
	for i := range 20 {
		writing.Go(func() { write(t, nodes[i%2], events()...) })
	}
	writing.Wait()
	report, err := audit.Verify(t.Context(), nodes[0], audit.Check{})
	if err != nil || report.Records != 120 {
		t.Errorf("got %+v, %v; want 120 records without a fault", report, err)
	}
}

// failing is a transaction of which one thing fails.
type failing struct {
	*memory
	head, add, message error
}

func (f failing) AuditHead() (auth.AuditHead, error) { return f.memory.head, f.head }

func (f failing) AddAudit(r auth.AuditRecord) error {
	if f.add != nil {
		return f.add
	}
	return f.memory.AddAudit(r)
}

func (f failing) AddMessage(auth.Message) error { return f.message }

func TestWhatFailsFailsTheTransaction(t *testing.T) {
	everything := func(auth.EventType) bool { return true }
	disk := store.ErrUnavailable
	for name, tc := range map[string]struct {
		tx     failing
		random io.Reader
		want   error
	}{
		"the head cannot be read":          {failing{head: disk}, nil, disk},
		"the record cannot be written":     {failing{add: disk}, nil, disk},
		"the message cannot be written":    {failing{message: disk}, nil, disk},
		"there is no chance for the salt":  {failing{}, strings.NewReader("dry"), io.ErrUnexpectedEOF},
		"there is no chance for the ID":    {failing{}, strings.NewReader(strings.Repeat("x", 16)), io.EOF},
		"the head has moved in the middle": {failing{add: store.ErrConflict}, nil, store.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			tc.tx.memory = new(memory)
			err := audit.Recorder{Notify: everything, Random: tc.random}.Record(tc.tx, noon, approved("Ada"))
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestAnAddressWithoutOneIsLeftOut(t *testing.T) {
	e := approved("Ada")
	e.Address, e.DesktopOrigin = netip.Addr{}, netip.Addr{}
	var st memory
	write(t, &st, e)
	if text := string(st.records[0].Personal); strings.Contains(text, "address") || strings.Contains(text, "desktop") {
		t.Errorf("got %s, want no addresses", text)
	}
}
