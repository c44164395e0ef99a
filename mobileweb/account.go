package mobileweb

import "time"

// SignIn asks for a passkey, to get to the account.
type SignIn struct {
	Again bool   // signed in already; a fresh touch is wanted before something that matters
	Next  string // where it leads: "devices", or "account", which "" is as well
}

// Account shows a signed-in person their passkeys and recovery codes.
type Account struct {
	Name              string
	Passkeys          []Passkey // oldest first; the last one left cannot be removed
	RecoveryCodesLeft int
}

// Passkey is one row of the account page.
type Passkey struct {
	ID       string // in the path of the form that removes it
	Label    string // such as "iCloud Keychain"; may be empty
	Number   int    // tells rows of the same label apart; 0 where the label does
	Created  time.Time
	LastUsed time.Time // zero when never
}

// RecoveryCodes shows the codes that a registration just made. They come from the tab's own memory, not from the
// server, which knows their hashes only.
type RecoveryCodes struct{ For Errand }

// ToComputers reports whether it leads to Computers.
func (s SignIn) ToComputers() bool { return s.Next == "devices" }

func (SignIn) template() string        { return "signin" }
func (Account) template() string       { return "account" }
func (RecoveryCodes) template() string { return "recoverycodes" }

// Removable reports whether a passkey may go: never the last one.
func (a Account) Removable() bool { return len(a.Passkeys) > 1 }
