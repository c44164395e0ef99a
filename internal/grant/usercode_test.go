package grant_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/grant"
)

func TestParseUserCode(t *testing.T) {
	tests := []struct {
		name, typed string
		want        grant.UserCode
		err         error
	}{
		{"as it is shown", "WDJB-MJHT", "WDJBMJHT", nil},
		{"in lower case", "wdjb-mjht", "WDJBMJHT", nil},
		{"without the hyphen", "WDJBMJHT", "WDJBMJHT", nil},
		{"with spaces and dots", " w.d j_b  mj/ht ", "WDJBMJHT", nil},
		{"with a dash that a phone's keyboard made of the hyphen", "WDJB–MJHT", "WDJBMJHT", nil},
		{"empty", "", "", grant.ErrUserCodeSyntax},
		{"one letter short", "WDJB-MJH", "", grant.ErrUserCodeSyntax},
		{"one letter too many", "WDJB-MJHTT", "", grant.ErrUserCodeSyntax},
		{"with a vowel", "WDJA-MJHT", "", grant.ErrUserCodeSyntax},
		{"with a digit", "WDJ8-MJHT", "", grant.ErrUserCodeSyntax},
		{"with a letter that only looks Latin", "WDJВ-MJHT", "", grant.ErrUserCodeSyntax},
		{"with a letter that upper-casing would fold into the alphabet", "WDJ\u212a-MJHT", "", grant.ErrUserCodeSyntax},
		{"padded to a great length", "WDJB-MJHT" + strings.Repeat("-", 1000), "", grant.ErrUserCodeSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := grant.ParseUserCode(tt.typed)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestNewUserCode(t *testing.T) {
	counts := make(map[rune]int)
	for range 5000 {
		code, err := grant.NewUserCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := grant.ParseUserCode(code.String()); err != nil || again != code {
			t.Fatalf("%q reads back as %q, %v", code, again, err)
		}
		for _, r := range string(code) {
			counts[r]++
		}
	}
	if len(counts) != 20 {
		t.Errorf("got %d letters, want the 20 of RFC 8628 section 6.1", len(counts))
	}
	for r, n := range counts { // 2000 expected, standard deviation 44
		if n < 1700 || n > 2300 {
			t.Errorf("%c was drawn %d times of 40000, far from 2000", r, n)
		}
	}
}

func TestNewUserCodeWithoutChance(t *testing.T) {
	if _, err := grant.NewUserCode(bytes.NewReader([]byte{255, 254})); err == nil {
		t.Error("a dry source of chance made a code")
	}
}

func FuzzParseUserCode(f *testing.F) {
	for _, seed := range []string{"WDJB-MJHT", "wdjbmjht", "", "----", "WDJB–MJHT", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := grant.ParseUserCode(typed)
		if err != nil {
			if code != "" {
				t.Fatalf("an error came with the code %q", code)
			}
			return
		}
		if again, err := grant.ParseUserCode(code.String()); err != nil || again != code {
			t.Fatalf("%q printed as %q reads back as %q, %v", code, code.String(), again, err)
		}
	})
}
