package mobileweb

import "time"

// Verifying shows the number that the person types on the computer, after the passkey. The page watches the status
// and moves on by itself.
type Verifying struct {
	Opening     string
	Seq         uint64
	Number      string // two digits, as they are to be typed: "07"
	AppName     string
	DeviceName  string
	TriesLeft   int // of three
	Left        time.Duration
	OpenedTwice bool // as in Confirm
}

// NumberFailed says that wrong numbers on the computer ended the sign-in.
type NumberFailed struct{ AppName, DeviceName string }

// Tries are the numbers of tries left that follow a wrong number.
func (Verifying) Tries() []int { return []int{2, 1} }

func (Verifying) template() string    { return "verifying" }
func (NumberFailed) template() string { return "numberfailed" }
