package mobileweb

// A Page is a view model: everything that one page shows, as plain values. Texts need no escaping; names that a
// computer declared may hold anything. The set is closed: only this package's types are pages.
type Page interface {
	// template names the file below templates/pages that draws the page.
	template() string
}

// Registration says who may create an account here.
type Registration int

const (
	// RegistrationClosed offers nobody an account; an invitation still works where the operator makes one.
	RegistrationClosed Registration = iota
	// RegistrationByInvitation tells a newcomer to ask the operator for an invitation.
	RegistrationByInvitation
	// RegistrationOpen lets anyone who reaches the page create a passkey.
	RegistrationOpen
)

// Open reports whether anyone may create an account.
func (r Registration) Open() bool { return r == RegistrationOpen }

// ByInvitation reports whether a newcomer can ask for an invitation.
func (r Registration) ByInvitation() bool { return r == RegistrationByInvitation }

// Errand is the sign-in that a person left for a moment, to create a passkey or to save recovery codes, and comes
// back to. The zero value means that none waits.
type Errand struct {
	Opening    string // handle of the opened confirmation
	AppName    string
	DeviceName string
}

// Waits reports whether there is a sign-in to come back to.
func (e Errand) Waits() bool { return e.Opening != "" }
