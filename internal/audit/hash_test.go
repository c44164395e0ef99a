package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// TestTheHashStaysWhatItWas holds the encoding still: a release that hashed in another
// way would call all logs of before broken.
func TestTheHashStaysWhatItWas(t *testing.T) {
	full := auth.AuditRecord{
		Seq: 7, At: time.UnixMicro(1_772_366_400_123_456).UTC(), Type: "sign_in.approved", Actor: "person", ClientID: "app",
		Risk: "medium", Reasons: []string{"other_network", "opened_twice"}, Note: "a number is awaited",
		PersonalHash: sha256.Sum256([]byte("personal")), Previous: sha256.Sum256([]byte("previous")),
	}
	for name, tc := range map[string]struct {
		record auth.AuditRecord
		want   string
	}{
		"of a full record":      {full, "937e8bcbd9a63fc6d7ab117715e14320b36646856cc34b070269369e5fa119f8"},
		"of a record of little": {auth.AuditRecord{Seq: 1, At: time.UnixMicro(0)}, "9eaf2b122b1309489bd71c2d1dec37ee778585c2db5e64b274be0c9e3063bd5b"},
	} {
		t.Run(name, func(t *testing.T) {
			h := audit.Hash(tc.record)
			if got := hex.EncodeToString(h[:]); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// another is a program that verifies an export with nothing but what the comment of
// audit.Hash says.
type another struct {
	seq      uint64
	previous [sha256.Size]byte
}

func (a *another) verify(t *testing.T, text []byte) {
	t.Helper()
	var line struct {
		Seq                           uint64
		Time, Type, Actor, Risk, Note string
		ClientID                      string `json:"client_id"`
		Reasons                       []string
		Personal                      json.RawMessage
		PersonalHash                  string `json:"personal_hash"`
		Previous, Hash                string
		_                             struct{}
	}
	if err := json.Unmarshal(text, &line); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339Nano, line.Time)
	if err != nil {
		t.Fatal(err)
	}
	var personal [sha256.Size]byte
	if line.Personal != nil {
		personal = sha256.Sum256(line.Personal)
	}
	var b bytes.Buffer
	put := func(parts ...string) {
		for _, s := range parts {
			binary.Write(&b, binary.BigEndian, uint32(len(s)))
			b.WriteString(s)
		}
	}
	b.WriteString("qrauthd-audit-v1")
	binary.Write(&b, binary.BigEndian, line.Seq)
	binary.Write(&b, binary.BigEndian, at.UnixMicro())
	put(line.Type, line.Actor, line.ClientID, line.Risk)
	binary.Write(&b, binary.BigEndian, uint32(len(line.Reasons)))
	put(line.Reasons...)
	put(line.Note)
	b.Write(personal[:])
	b.Write(a.previous[:])
	if a.seq++; line.Seq != a.seq {
		t.Errorf("got the line of record %d, want %d", line.Seq, a.seq)
	}
	if line.Previous != hex.EncodeToString(a.previous[:]) {
		t.Errorf("line %d follows %s, want %x", line.Seq, line.Previous, a.previous)
	}
	a.previous = sha256.Sum256(b.Bytes())
	if want := hex.EncodeToString(a.previous[:]); line.Hash != want {
		t.Errorf("line %d has the hash %s, want %s", line.Seq, line.Hash, want)
	}
}

func TestAnotherProgramCanVerifyAnExport(t *testing.T) {
	st := openAt(t, newPath(t))
	write(t, st, events()...)
	for name, escapes := range map[string]bool{"with HTML escaped": true, "with HTML as it is": false} {
		t.Run(name, func(t *testing.T) {
			var export bytes.Buffer
			encoder := json.NewEncoder(&export)
			encoder.SetEscapeHTML(escapes)
			for _, r := range read(t, st) {
				line, err := audit.Entry(r)
				if err != nil {
					t.Fatal(err)
				}
				if err := encoder.Encode(line); err != nil {
					t.Fatal(err)
				}
			}
			var program another
			for text := range bytes.Lines(export.Bytes()) {
				program.verify(t, text)
			}
			if program.seq != uint64(len(events())) {
				t.Errorf("verified %d lines, want %d", program.seq, len(events()))
			}
		})
	}
}

// drawRecord is any record, in the form in which stores give it back.
func drawRecord(t *rapid.T) auth.AuditRecord {
	text := func(label string) string { return rapid.StringN(0, 8, -1).Draw(t, label) }
	hash := func(label string) secret.Hash {
		return secret.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
	}
	r := auth.AuditRecord{
		Seq:  rapid.Int64().Draw(t, "seq"),
		At:   time.UnixMicro(rapid.Int64().Draw(t, "at")).UTC(),
		Type: auth.EventType(text("type")), Actor: auth.Actor(text("actor")), ClientID: auth.ClientID(text("client")),
		Risk: text("risk"), Note: text("note"),
		PersonalHash: hash("personal"), Previous: hash("previous"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "reasons") {
		r.Reasons = append(r.Reasons, text("reason"))
	}
	return r
}

// TestTwoRecordsHaveOneHashOnlyIfTheyAreTheSame moves the borders between members, which
// would fool a hash of the members put together.
func TestTwoRecordsHaveOneHashOnlyIfTheyAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawRecord(t)
		b := a
		texts := []*string{(*string)(&b.Type), (*string)(&b.Actor), (*string)(&b.ClientID), &b.Risk, &b.Note}
		all := *texts[0]
		for _, s := range texts[1:] {
			all += *s
		}
		for _, s := range texts {
			n := rapid.IntRange(0, len(all)).Draw(t, "length")
			*s, all = all[:n], all[n:]
		}
		b.Note += all
		if rapid.Bool().Draw(t, "a reason becomes two") && len(b.Reasons) > 0 {
			first := b.Reasons[0]
			n := rapid.IntRange(0, len(first)).Draw(t, "cut")
			b.Reasons = append([]string{first[:n], first[n:]}, b.Reasons[1:]...)
		}
		if same := cmp.Equal(a, b); same != (audit.Hash(a) == audit.Hash(b)) {
			t.Errorf("the same: %t\n%+v\n%+v", same, a, b)
		}
	})
}
