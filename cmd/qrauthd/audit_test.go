package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/server"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestParseMoment(t *testing.T) {
	for text, want := range map[string]string{
		"2026-02-03T04:05:06Z":           "2026-02-03T04:05:06Z",
		"2026-02-03T04:05:06.789Z":       "2026-02-03T04:05:06.789Z",
		"2026-02-03T04:05:06+01:00":      "2026-02-03T03:05:06Z",
		"2026-02-03":                     "2026-02-03T00:00:00Z",
		"24h":                            "2026-02-28T12:00:00Z",
		"90m":                            "2026-03-01T10:30:00Z",
		"7d":                             "2026-02-22T12:00:00Z",
		"0":                              "2026-03-01T12:00:00Z",
		"":                               "",
		"d":                              "",
		"-7d":                            "",
		"-1h":                            "",
		"1.5d":                           "",
		"99999d":                         "",
		"2026-02-30":                     "",
		"2026-02-03 04:05":               "",
		"yesterday":                      "",
		"2026-02-03T04:05:06":            "",
		"9223372036854775807h":           "",
		"2026-02-03T04:05:06Z[Etc/Zulu]": "",
	} {
		got, err := parseMoment(noon, text)
		if (err == nil) != (want != "") || err == nil && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: got %s, %v, want %q", text, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "use forms such as") {
			t.Errorf("%q: %v does not say what to do", text, err)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"2026-02-03T04:05:06Z", "2026-02-03", "24h", "7d", "65535d", "0", "-1h", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseMoment(noon, text)
		if err != nil {
			return
		}
		if got.Location() != time.UTC {
			t.Errorf("%q is read as %s, which is not in UTC", text, got)
		}
		digit := text != "" && text[0] >= '0' && text[0] <= '9'
		if ago := noon.Sub(got); ago < 0 && !digit {
			t.Errorf("%q is read as %s, which is to come", text, got)
		}
	})
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"ALICE-PC":              "ALICE-PC",
		"Компьютер 電腦 🖥":        "Компьютер 電腦 🖥",
		"\x1b[2J\x07":           "�[2J�",
		"a\tb\nc\r":             "a�b�c�",
		"gnp.exe\u202etxt":      "gnp.exe�txt",
		"\u009b31m":             "�31m",
		"\xff":                  "�",
		"zero\u200bwidth\ufeff": "zero�width�",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzTrailPrintsNoControlCharacter(f *testing.F) {
	f.Add("\x1b[31m", "\t", "\n", `{"salt":"x","user_name":"\u001b[2J","device_name":"\u202e"}`)
	f.Add("operator", "acme", "note", `{"user_id":"u","address":"192.0.2.1"}`)
	f.Add("", "", "", "{")
	f.Fuzz(func(t *testing.T, actor, client, note, personal string) {
		line, _ := audit.Entry(auth.AuditRecord{
			Seq: 1, Actor: auth.Actor(actor), ClientID: auth.ClientID(client), Note: note, Risk: note, Reasons: []string{client},
			Personal: []byte(personal), PersonalHash: sha256.Sum256([]byte(personal)),
		})
		var out bytes.Buffer
		if err := printTrail(&out, []audit.Line{line}); err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(out.String(), "\n")
		if len(lines) != 3 || strings.ContainsFunc(strings.TrimSuffix(lines[1], "\n"), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("got %q", out.String())
		}
	})
}

func TestDetails(t *testing.T) {
	addr := netip.MustParseAddr
	for name, tc := range map[string]struct {
		event auth.Event
		want  string
	}{
		"nothing": {auth.Event{}, "-"},
		"a sign-in with all there is to tell": {
			auth.Event{
				Risk: "medium", Reasons: []string{"other_network", "opened_twice"}, Note: "a note",
				Personal: auth.Personal{
					UserID: "u-ada", UserName: "Ada", Address: addr("192.0.2.1"), DesktopOrigin: addr("198.51.100.2"), Place: "Frankfurt, Germany",
					DeviceName: "ALICE-PC", KeyThumbprint: "thumb", Passkey: "cred",
				},
			},
			"medium risk (other_network, opened_twice); a note; computer ALICE-PC; at 198.51.100.2 (Frankfurt, Germany); key thumb; passkey cred; from 192.0.2.1",
		},
		"a low risk, for no reasons": {auth.Event{Risk: "low"}, "low risk"},
		"a place without an address": {auth.Event{Personal: auth.Personal{Place: "Frankfurt"}}, "at Frankfurt"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := logOf(t, tc.event)
			out, _ := run(t, 0, "audit", "list", "--data", dir)
			row := strings.Split(out, "\n")[1]
			if !strings.HasSuffix(row, "  "+tc.want) {
				t.Errorf("got %q, want it to end with %q", row, tc.want)
			}
		})
	}
}

// logOf makes a database with these events in its audit log.
func logOf(t *testing.T, events ...auth.Event) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := sqlite.Open(t.Context(), server.Database(dir), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx store.Tx) error {
		for _, e := range events {
			if err := (audit.Recorder{}).Record(tx, noon, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs a command, which must end with that exit code.
func run(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	// A file is always named, so that one of this machine's is not read.
	a := &app{ctx: context.Background(), environ: []string{"QRAUTHD_CONFIG=" + write(t, "")}, stdout: &out, stderr: &errs}
	if got := a.main(args); got != code {
		t.Fatalf("qrauthd %s: got exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &errs)
	}
	return out.String(), errs.String()
}

// TestAnExportCanBeVerifiedByItself: what another program needs is in each line, and
// the personal data byte by byte as it was hashed.
func TestAnExportCanBeVerifiedByItself(t *testing.T) {
	dir := logOf(
		t,
		auth.Event{Type: auth.EventApproved, Personal: auth.Personal{DeviceName: `<b>&"'\ é 電腦 </script>`, UserID: "u"}},
		auth.Event{Type: auth.EventClientAdded, ClientID: "acme", Note: "<&>"},
		auth.Event{Type: auth.EventDenied, Personal: auth.Personal{Address: netip.MustParseAddr("2001:db8::1")}},
	)
	out, _ := run(t, 0, "audit", "export", "--data", dir)
	previous := strings.Repeat("0", 64)
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines, want 3", len(lines))
	}
	for i, text := range lines {
		var line struct {
			Seq                           int
			Previous, Hash                string
			PersonalHash                  string `json:"personal_hash"`
			Personal                      json.RawMessage
			Time, Type, Actor, Note, Risk string
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		if line.Seq != i+1 || line.Previous != previous {
			t.Errorf("line %d: got number %d after %s, want %d after %s", i+1, line.Seq, line.Previous, i+1, previous)
		}
		previous = line.Hash
		if line.PersonalHash == "" && line.Personal == nil {
			continue
		}
		sum := sha256.Sum256(line.Personal)
		if got := hex.EncodeToString(sum[:]); got != line.PersonalHash {
			t.Errorf("line %d: the hash of %s is %s, want %s", i+1, line.Personal, got, line.PersonalHash)
		}
	}
}

// TestAnExportSinceATimeHasNoGaps: a clock that was behind leaves no record out.
func TestAnExportSinceATimeHasNoGaps(t *testing.T) {
	dir := logOf(t)
	db, err := sqlite.Open(t.Context(), server.Database(dir), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx store.Tx) error {
		for _, at := range []time.Duration{0, time.Hour, 0, 2 * time.Hour} {
			if err := (audit.Recorder{}).Record(tx, noon.Add(at), auth.Event{Type: auth.EventSignedIn}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	out, notes := run(t, 0, "audit", "export", "--since", "2026-03-01T13:00:00Z", "--data", dir)
	if strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, `{"seq":2,`) || !strings.Contains(notes, "exported 3 records, up to 4:") {
		t.Errorf("got %s%s, want records 2 to 4", out, notes)
	}
}

func TestAFileThatCannotBeWrittenIsNotLeftBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	failed := errors.New("failed")
	err := toNewFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, failed)
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v, want the error of the writing", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there: %v", err)
	}
}

func TestOfForgotten(t *testing.T) {
	report := audit.Report{Forgotten: 2, ForgottenUntil: noon.Add(-48 * time.Hour)}
	for name, tc := range map[string]struct {
		report     audit.Report
		keep       time.Duration
		want       string
		suspicious bool
	}{
		"nothing is":                              {audit.Report{}, 0, "", false},
		"by the server":                           {report, 47 * time.Hour, "Forgotten is whom records are about: 2 of them, the newest from 2026-02-27 12:00 UTC.", false},
		"sooner than the server does":             {report, 49 * time.Hour, "sooner than audit.keep 49h0m0s", true},
		"although the server does it with nobody": {report, 0, "sooner than audit.keep 0s", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, suspicious := ofForgotten(tc.report, tc.keep, noon)
			if !strings.Contains(got, tc.want) || suspicious != tc.suspicious || tc.want == "" && got != "" {
				t.Errorf("got %q, want %q, suspicious: %t", got, tc.want, tc.suspicious)
			}
		})
	}
}

func TestProgressIsForAPersonAtATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &progress{terminal: &out}
	for n := int64(0); n <= 25_000; n += 500 {
		p.records(n)
	}
	p.end()
	if got, want := out.String(), "\r10000 records …\r20000 records …\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	short := &progress{terminal: &out}
	out.Reset()
	short.records(500)
	short.end()
	if out.Len() > 0 {
		t.Errorf("of a short log it says %q", &out)
	}
}

func TestProgressIsNotForAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for what, w := range map[string]io.Writer{"a file": f, "a pipe": new(bytes.Buffer)} {
		p := newProgress(w)
		p.records(progressStep)
		p.end()
		if p.terminal != nil || p.shown > 0 {
			t.Errorf("%s is taken for a terminal", what)
		}
	}
}

func TestPolicyField(t *testing.T) {
	for name, want := range map[string]auth.PolicyField{
		"medium": "medium", "--high": "high", "require-known-device": "require_known_device", "require_known_device": "require_known_device",
		"network": "networks", "networks": "networks", "reduced-scope": "reduced_scopes", "reduced_scopes": "reduced_scopes", "unconfirmed": "unconfirmed",
		"low": "low",
	} {
		if got := policyField(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
