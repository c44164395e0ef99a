package phone

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/login"
)

func TestPasskeysCanBeToldApart(t *testing.T) {
	const (
		apple  = "fbfc3007-154e-4ecc-8c0b-6e020557d7bd"
		google = "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"
		nobody = "00000000-0000-0000-0000-000000000000"
	)
	tests := []struct {
		name    string
		aaguids []string
		want    []string
	}{
		{"by who keeps them", []string{apple, google}, []string{"iCloud Keychain", "Google Password Manager"}},
		{"by age, where nobody says who keeps them", []string{nobody, ""}, []string{" 1", " 2"}},
		{
			"by age, where the same keeps them",
			[]string{apple, google, apple},
			[]string{"iCloud Keychain 1", "Google Password Manager", "iCloud Keychain 2"},
		},
		{
			"the nameless count for themselves",
			[]string{apple, nobody, google, "01"},
			[]string{"iCloud Keychain", " 1", "Google Password Manager", " 2"},
		},
		{"the only one has a number where it has no name", []string{nobody}, []string{" 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var account login.Account
			for _, aaguid := range tt.aaguids {
				raw, err := hex.DecodeString(strings.ReplaceAll(aaguid, "-", ""))
				if err != nil {
					t.Fatal(err)
				}
				account.Passkeys = append(account.Passkeys, auth.Passkey{AAGUID: raw})
			}
			var got []string
			for _, row := range accountPage(account).Passkeys {
				label := row.Label
				if row.Number > 0 {
					label += fmt.Sprint(" ", row.Number)
				}
				got = append(got, label)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

// Some providers spell their names in their AAGUIDs, which shows that the table's bytes are in order.
func TestAProviderIsKnownByItsAAGUID(t *testing.T) {
	for aaguid, want := range map[string]string{
		"ProtonPassProton":                    "Proton Pass",
		"SAMSUNG" + strings.Repeat("\x00", 9): "Samsung Pass",
		"SAMSUNG":                             "",
		"":                                    "",
	} {
		if got := provider([]byte(aaguid)); got != want {
			t.Errorf("provider of %q is %q, want %q", aaguid, got, want)
		}
	}
}
