package mobileweb

import "time"

// Approved says that the passkey did its part and the computer has yet to fetch its tokens. The page watches the
// status and moves on by itself.
type Approved struct {
	Opening    string
	Seq        uint64
	AppName    string
	DeviceName string
}

// SignedIn says that the computer holds its tokens.
type SignedIn struct {
	AppName    string
	DeviceName string
	Ago        time.Duration // since it got them
}

// Denied says that the person on this phone said no.
type Denied struct{ AppName, DeviceName string }

// Expired says that the sign-in ran out of time.
type Expired struct{ AppName, DeviceName string }

// Cancelled says that the computer gave up the sign-in.
type Cancelled struct{ AppName, DeviceName string }

// Ended says that whoever runs the service put an end to the sign-in: they removed the app, or disabled the account.
type Ended struct{ AppName, DeviceName string }

// Used says that the code was used for a sign-in that is over.
type Used struct{ AppName, DeviceName string }

// OnAnotherPhone says that another browser claimed the sign-in, and only that one may decide. The page tells the
// server that it was opened, which warns that browser.
type OnAnotherPhone struct {
	Opening    string // "": this browser has opened nothing
	AppName    string
	DeviceName string
}

func (Approved) template() string       { return "approved" }
func (SignedIn) template() string       { return "signedin" }
func (Denied) template() string         { return "denied" }
func (Expired) template() string        { return "expired" }
func (Cancelled) template() string      { return "cancelled" }
func (Ended) template() string          { return "ended" }
func (Used) template() string           { return "used" }
func (OnAnotherPhone) template() string { return "onanotherphone" }
