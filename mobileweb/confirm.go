package mobileweb

import (
	"strings"
	"time"
)

// Confirm is the question: shall this computer be signed in? What speaks for a no stands above the button for a yes.
type Confirm struct {
	Opening string // opaque handle of this opening, in every path that the page calls
	Seq     uint64 // of the snapshot that the page shows; status polls go on from here

	UserCode string // as the computer shows it, grouped: "WDJB-MJHT"; "" where Local

	// Local says that the sign-in began in this very browser, from an app on the same computer: there is no code to
	// compare, and no Place to tell.
	Local bool
	// Site is the web site that the answer of a Local sign-in goes to, such as "app.acme.example"; "" for an app on
	// this computer.
	Site string

	AppName     string
	AppVerified bool // the operator vouches for the app; otherwise the page labels it

	// The computer's own words, shown as such. Each may be empty.
	DeviceName     string
	DevicePlatform string
	AppVersion     string

	Place  Place
	Scopes []Scope       // none still asks for consent to "know that it is you"
	Asked  time.Duration // how long ago the computer asked
	Left   time.Duration // until the sign-in runs out

	// Level and Warnings are what speaks against the sign-in. Numbered says that a number follows the passkey.
	Level    Level
	Warnings []Warning
	Numbered bool
	// OpenedTwice says that a second browser has opened the code. It may also become true while the page is open.
	OpenedTwice bool
	// Reduced says that Scopes are less than the app asked for.
	Reduced bool
	// LinkKey proves that a link with UserCode in it is this server's; it is in the link that the page copies.
	LinkKey string

	KnownAs      string // the person whose passkey this phone used before; "" for a phone never seen
	Registration Registration
}

func (Confirm) template() string { return "confirm" }

// Network is where the computer's address stands relative to the phone's.
type Network int

const (
	NetworkUnknown Network = iota
	NetworkSame
	NetworkOther
)

// Place is what is known about where the computer is.
type Place struct {
	Network  Network
	Text     string // rough place of its address, such as "Frankfurt, Germany"; may be empty
	Operator string // who runs its network, such as "Example Telecom"; may be empty
	Address  string // its network address; may be empty
}

// Same reports that computer and phone share a network.
func (p Place) Same() bool { return p.Network == NetworkSame }

// Where is the rough place and who runs the network there.
func (p Place) Where() string {
	if p.Text == "" || p.Operator == "" {
		return p.Text + p.Operator
	}
	return p.Text + " · " + p.Operator
}

// Other reports that they do not.
func (p Place) Other() bool { return p.Network == NetworkOther }

// Scope is one thing that the app will be able to do. The standard scopes have words of their own in the catalogs;
// any other is shown by the operator's Description, and by its Name alone where there is none.
type Scope struct {
	Name        string
	Description string // wins over the catalog; in the operator's language
}

// spell takes a code apart, so that it is read out letter by letter, with a pause where the groups part. The script
// does the same with a code that changes.
func spell(code string) string {
	groups := strings.Split(code, "-")
	for i, group := range groups {
		groups[i] = strings.Join(strings.Split(group, ""), " ")
	}
	return strings.Join(groups, ", ")
}
