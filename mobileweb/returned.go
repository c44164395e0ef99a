package mobileweb

// Returned is the end of a sign-in that began in this very browser, with the way back to the app. After a denial the
// page goes that way by itself, once; after an approval it watches the status, and moves on when the app has its
// tokens.
type Returned struct {
	Opening    string
	Seq        uint64
	Outcome    Outcome
	AppName    string
	DeviceName string
}

func (Returned) template() string { return "returned" }

// Outcome is what became of such a sign-in.
type Outcome int

const (
	OutcomeDenied Outcome = iota
	OutcomeApproved
	OutcomeExpired
)

// Denied reports that the person said no.
func (o Outcome) Denied() bool { return o == OutcomeDenied }

// Approved reports that the person said yes, and the app has yet to fetch its tokens.
func (o Outcome) Approved() bool { return o == OutcomeApproved }
