package phone

import (
	"encoding/hex"

	"github.com/qrauthd/qrauthd/mobileweb"
)

// provider is the name of what keeps a passkey, by its AAGUID; "" where it is not
// known. Nothing vouches for an AAGUID: it helps a person to tell their passkeys
// apart, and decides nothing.
func provider(aaguid []byte) string {
	switch hex.EncodeToString(aaguid) {
	case "fbfc3007154e4ecc8c0b6e020557d7bd", "dd4ec289e01d41c9bb8970fa845d4bf2": // the latter on a managed device
		return "iCloud Keychain"
	case "ea9b8d664d011d213ce4b6b48cb575d4":
		return "Google Password Manager"
	case "08987058cadc4b81b6e130de50dcbe96", "9ddd1817af5a4672a2b93e3dd95000a9", "6028b017b1d44c02b4b3afcdafc96bb2":
		return "Windows Hello"
	case "adce000235bcc60a648b0b25f1f05503":
		return "Chrome on Mac"
	case "53414d53554e47000000000000000000":
		return "Samsung Pass"
	case "bada5566a7aa401fbd9645619a55120d":
		return "1Password"
	case "d548826e79b4db40a3d811116f7e8349":
		return "Bitwarden"
	case "531126d6e717415c93203d9aa6981239":
		return "Dashlane"
	case "50726f746f6e5061737350726f746f6e":
		return "Proton Pass"
	case "fdb141b25d84443e8a354698c205a502":
		return "KeePassXC"
	}
	return ""
}

// number tells rows of the same label apart: those without one, and those whose
// label another row has too, count from one, in the order of the rows.
func number(rows []mobileweb.Passkey) {
	all := make(map[string]int)
	for _, row := range rows {
		all[row.Label]++
	}
	count := make(map[string]int)
	for i, row := range rows {
		if count[row.Label]++; row.Label == "" || all[row.Label] > 1 {
			rows[i].Number = count[row.Label]
		}
	}
}
