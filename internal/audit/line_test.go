package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
)

// decode is the JSON of the record's line.
func decode(t *testing.T, r auth.AuditRecord) (members map[string]any) {
	t.Helper()
	line, err := audit.Entry(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	return members
}

func TestALineTellsAll(t *testing.T) {
	var st memory
	write(t, &st, approved("Ada"), rotated())
	first := decode(t, st.records[0])
	personal := first["personal"].(map[string]any)
	delete(personal, "salt")
	for _, name := range []string{"hash", "personal_hash"} {
		if hash, _ := first[name].(string); len(hash) != 64 {
			t.Errorf("%s: got %q, want 64 digits", name, hash)
		}
	}
	second := decode(t, st.records[1])
	if second["previous"] != first["hash"] {
		t.Errorf("the second follows %v, want %v", second["previous"], first["hash"])
	}
	delete(first, "hash")
	delete(first, "personal_hash")
	want := map[string]any{
		"seq": 1.0, "time": "2026-03-01T12:00:00.123456Z", "type": "sign_in.approved", "actor": "person", "client_id": "app",
		"risk": "medium", "reasons": []any{"other_network", "opened_twice"}, "note": "a number is awaited",
		"previous": strings.Repeat("0", 64),
		"personal": map[string]any{
			"user_id": "u1", "user_name": "Ada", "session_id": "s1", "grant_id": "g1", "browser": "b1",
			"address": "192.0.2.7", "desktop": "2001:db8::7", "place": "Zürich", "device_name": "ALICE-PC <1>", "key": "k1", "passkey": "p1",
		},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("line (-want +got)\n%s", diff)
	}
	delete(second, "hash")
	delete(second, "previous")
	want = map[string]any{"seq": 2.0, "time": "2026-03-01T12:00:01.123456Z", "type": "operator.key_rotated", "actor": "server"}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("line about nobody (-want +got)\n%s", diff)
	}
}

func TestALineSaysThatPersonalDataWasForgotten(t *testing.T) {
	var st memory
	write(t, &st, approved("Ada"))
	st.records[0].Personal = nil
	line := decode(t, st.records[0])
	if line["forgotten"] != true || line["personal"] != nil {
		t.Errorf("got %v, want it to be forgotten", line)
	}
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "Ada") {
		t.Errorf("got %s, want nothing of Ada", text)
	}
}

func TestALineOfBrokenPersonalDataIsShownWithoutIt(t *testing.T) {
	var st memory
	write(t, &st, approved("Ada"))
	st.records[0].Personal = []byte(`{"salt":`)
	line, err := audit.Entry(st.records[0])
	if err == nil || !strings.Contains(err.Error(), "record 1") {
		t.Errorf("got %v, want an error that names the record", err)
	}
	if line.Seq != 1 || line.Type != auth.EventApproved || line.Personal != nil {
		t.Errorf("got %+v, want the line without personal data", line)
	}
}

// FuzzPersonal reads what somebody may have written into the database by hand.
func FuzzPersonal(f *testing.F) {
	var st memory
	write(f, &st, approved("Ada <ada@example.com> \u2028"))
	f.Add(st.records[0].Personal)
	f.Add([]byte(`{"salt":"","address":"::ffff:1.2.3.4%eth0"}`))
	f.Add([]byte(`{"salt":1}`))
	f.Add([]byte(`{ "user_name" : "<b>" , "new in a later release" : [1] }`))
	f.Add([]byte(`null`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := auth.AuditRecord{Seq: 1, At: noon, Personal: text, PersonalHash: sha256.Sum256(text)}
		line, err := audit.Entry(r)
		if err != nil || line.Personal == nil {
			return
		}
		exported, err := json.Marshal(line)
		if err != nil {
			t.Fatalf("%q cannot be exported: %v", text, err)
		}
		var again struct{ Personal json.RawMessage }
		if err := json.Unmarshal(exported, &again); err != nil {
			t.Fatalf("%q is exported as what cannot be read: %v", text, err)
		}
		r.Personal = again.Personal
		second, err := audit.Entry(r)
		if err != nil {
			t.Fatalf("%q, exported as %q, cannot be read: %v", text, again.Personal, err)
		}
		if len(again.Personal) == 0 || bytes.Equal(again.Personal, []byte("null")) {
			return
		}
		if second.Personal.Personal != line.Personal.Personal {
			t.Errorf("%q: got %+v, want %+v", text, second.Personal.Personal, line.Personal.Personal)
		}
	})
}
