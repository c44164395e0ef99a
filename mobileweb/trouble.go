package mobileweb

import "time"

// UnknownCode says that nothing waits under the scanned code.
type UnknownCode struct{}

// TooManyTries says that this phone or its network must wait before the next try.
type TooManyTries struct {
	Wait  time.Duration
	Local bool // the sign-in was to begin in this very browser: no code waits anywhere
}

// Busy says that more people came than can be answered. Reload is for a page that can be
// asked for again as it is; what was sent by a form is to be sent by that form again.
type Busy struct{ Reload bool }

// Broken says that the server failed. Reference finds the cause in the operator's log.
type Broken struct {
	Reference string
	Local     bool // as in TooManyTries
}

// BrokenLink says that an app led here with a request that cannot be answered, not even with an error to the app: who
// it is, or where it waits, is not to be trusted (RFC 6749 section 4.1.2.1). It shows nothing of the request.
type BrokenLink struct{ Fault LinkFault }

// LinkFault is what was wrong with the request.
type LinkFault int

const (
	LinkMalformed LinkFault = iota
	LinkUnknownApp
	LinkUnregisteredReturn
)

// UnknownApp reports that no app is registered under the request's name for it.
func (f LinkFault) UnknownApp() bool { return f == LinkUnknownApp }

// UnregisteredReturn reports that the answer was to go where the app has not registered it.
func (f LinkFault) UnregisteredReturn() bool { return f == LinkUnregisteredReturn }

// NotFound says that there is no such page.
type NotFound struct{}

// Refused says that a request came from somewhere else, or in a way that no page of ours sends it.
type Refused struct{}

// Disabled says that the account may not sign in.
type Disabled struct{}

func (UnknownCode) template() string  { return "unknowncode" }
func (TooManyTries) template() string { return "toomanytries" }
func (Busy) template() string         { return "busy" }
func (Broken) template() string       { return "broken" }
func (NotFound) template() string     { return "notfound" }
func (Refused) template() string      { return "refused" }
func (Disabled) template() string     { return "disabled" }
func (BrokenLink) template() string   { return "brokenlink" }
