package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
)

func TestParseScopes(t *testing.T) {
	tests := []struct {
		name, param, want string
		err               error
	}{
		{"none", "", "", nil},
		{"several, in their order", "openid profile files.read", "openid profile files.read", nil},
		{"a repetition counts once", "openid profile openid", "openid profile", nil},
		{"spaces too many", "  openid   profile ", "openid profile", nil},
		{"a quotation mark", `open"id`, "", auth.ErrScopeSyntax},
		{"a backslash", `open\id`, "", auth.ErrScopeSyntax},
		{"a control character", "open\nid", "", auth.ErrScopeSyntax},
		{"a letter beyond ASCII", "öffnen", "", auth.ErrScopeSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := auth.ParseScopes(tt.param)
			if got.String() != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	have := auth.Scopes{"openid", "profile"}
	if !(auth.Scopes{"profile"}).Within(have) || !auth.Scopes(nil).Within(have) {
		t.Error("a part is not within the whole")
	}
	if (auth.Scopes{"profile", "admin"}).Within(have) {
		t.Error("more than the whole is within it")
	}
}

func TestADevicesWordsArePlainAndShort(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"as it is", "ALICE-PC", "ALICE-PC"},
		{"white space is folded", " Alice's\t\n PC ", "Alice's PC"},
		{"control characters go", "A\x00B\x1b[31mC", "AB[31mC"},
		{"bidirectional overrides go", "gnp.exe\u202etxt", "gnp.exetxt"},
		{"broken UTF-8 goes", "A\xffB", "AB"},
		{"other scripts stay", "Компьютер 電腦 🖥", "Компьютер 電腦 🖥"},
		{"HTML stays, for the page to escape", "<b>x</b>", "<b>x</b>"},
		{"what is too long is cut by characters", strings.Repeat("é", 100), strings.Repeat("é", 64)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (auth.Device{Name: tt.in}).Clean().Name; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
