package login

import (
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

func TestNamesBeginWithTheTime(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	early, late := dated(at, secret.Must()), dated(at.Add(time.Millisecond), secret.Must())
	if early.Reveal() >= late.Reveal() {
		t.Errorf("%s comes after %s, which was made later", early.Reveal(), late.Reveal())
	}
	a, b := dated(at, secret.Must()), dated(at, secret.Must())
	if a.Reveal()[:dateLength] != b.Reveal()[:dateLength] || a == b {
		t.Error("two names of one moment differ in their date, or in nothing")
	}
}

func TestAGrantIsNamedByItsDeviceCode(t *testing.T) {
	random := secret.Must()
	code := dated(time.UnixMilli(0x19aa0), random)
	tests := []struct {
		name string
		code secret.Text
		date string // before the hash of the whole code
	}{
		{"by its date and its hash", code, "000000019aa0"},
		{"by its hash alone when it has no date, as in earlier releases", random, ""},
		{"by its hash alone when it is longer than any code", secret.From(code.Reveal() + "x"), ""},
		{"by its hash alone when it is empty", secret.Text{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := string(idOf(tt.code))
			if want := tt.date + tt.code.Hash().String(); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if strings.Contains(got, random.Reveal()) {
				t.Error("the name tells the code")
			}
		})
	}
}
