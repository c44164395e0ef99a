package mobileweb

import "time"

// Computers shows a signed-in person the computers that they are signed in on.
type Computers struct {
	Name string
	List []Computer // as they are to be shown
	Said ComputersSaid
}

func (Computers) template() string { return "computers" }

// Several reports whether there is more than one to sign out.
func (c Computers) Several() bool { return len(c.List) > 1 }

// Computer is one row of them. Names and platform are the computer's own words.
type Computer struct {
	ID         string // in the paths of the forms that act on it
	AppName    string
	DeviceName string
	Platform   string
	Place      string // rough place of its address; may be empty
	Address    string // shown where the place is not known; may be empty
	First      time.Time
	Last       time.Time // zero: not since First
	// Bound says that its tokens are bound to a key of its own.
	Bound bool
	// Unconfirmed says that it has limited access until the person says that it is theirs.
	Unconfirmed bool
}

// Seen is when it was seen last.
func (c Computer) Seen() time.Time {
	if c.Last.IsZero() {
		return c.First
	}
	return c.Last
}

// ComputersSaid is what was just done, told above the list.
type ComputersSaid int

const (
	SaidNothing ComputersSaid = iota
	SaidSignedOut
	SaidAllSignedOut
	SaidReported
	SaidConfirmed
)

// SignedOut reports that one computer was signed out.
func (s ComputersSaid) SignedOut() bool { return s == SaidSignedOut }

// AllSignedOut reports that all of them were.
func (s ComputersSaid) AllSignedOut() bool { return s == SaidAllSignedOut }

// Reported reports that one was signed out and blocked.
func (s ComputersSaid) Reported() bool { return s == SaidReported }

// Confirmed reports that the person said of one that it is theirs.
func (s ComputersSaid) Confirmed() bool { return s == SaidConfirmed }
