package mobileweb

// Stopped says that the sign-in cannot be approved as things stand. It can still be denied.
type Stopped struct {
	Opening    string
	AppName    string
	DeviceName string
	Why        StoppedWhy
	Local      bool      // as in Confirm
	Warnings   []Warning // with StoppedRisk: what speaks against it
}

func (Stopped) template() string { return "stopped" }

// StoppedWhy is why a sign-in cannot be approved.
type StoppedWhy int

const (
	StoppedRisk          StoppedWhy = iota // too much speaks against it
	StoppedUnknownDevice                   // only computers that the account has had before may be signed in
	StoppedReported                        // the person has reported the computer
)

// UnknownDevice reports that the computer is new to the account, and may not be.
func (w StoppedWhy) UnknownDevice() bool { return w == StoppedUnknownDevice }

// Reported reports that the person has said of the computer that it was not them.
func (w StoppedWhy) Reported() bool { return w == StoppedReported }
