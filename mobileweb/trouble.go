package mobileweb

import "time"

// UnknownCode says that nothing waits under the scanned code.
type UnknownCode struct{}

// TooManyTries says that this phone or its network must wait before the next try.
type TooManyTries struct{ Wait time.Duration }

// Broken says that the server failed. Reference finds the cause in the operator's log.
type Broken struct{ Reference string }

// NotFound says that there is no such page.
type NotFound struct{}

// Refused says that a request came from somewhere else, or in a way that no page of ours sends it.
type Refused struct{}

// Disabled says that the account may not sign in.
type Disabled struct{}

func (UnknownCode) template() string  { return "unknowncode" }
func (TooManyTries) template() string { return "toomanytries" }
func (Broken) template() string       { return "broken" }
func (NotFound) template() string     { return "notfound" }
func (Refused) template() string      { return "refused" }
func (Disabled) template() string     { return "disabled" }
