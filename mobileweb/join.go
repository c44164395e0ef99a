package mobileweb

// Join lets a newcomer create an account with a passkey, or an invited person a passkey for an account that exists.
// An invitation is in the fragment of the address, which only the script sees; unless Registration is open, the
// form appears when there is one.
type Join struct {
	For          Errand
	Registration Registration
}

// Recover lets a person who lost every passkey create a new one with a recovery code.
type Recover struct{ For Errand }

func (Join) template() string    { return "join" }
func (Recover) template() string { return "recover" }
