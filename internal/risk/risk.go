package risk

import "slices"

// Level is how much of a risk a request is.
type Level string

// The levels.
const (
	Low    Level = "low"
	Medium Level = "medium"
	High   Level = "high"
)

// Reason is one thing that speaks against a request. Its text is in the audit log;
// the pages have sentences for each.
type Reason string

// The reasons.
const (
	OtherNetwork   Reason = "other_network"   // computer and phone are on different networks
	UnknownNetwork Reason = "unknown_network" // it cannot be told whether they are
	OtherCountry   Reason = "other_country"   // computer and phone are in different countries
	UnusualCountry Reason = "unusual_country" // no computer of the account has been in that country
	OpenedTwice    Reason = "opened_twice"    // the code was opened in two browsers
	ManyStarts     Reason = "many_starts"     // the computer's address began very many sign-ins
	Reported       Reason = "reported"        // somebody has reported the computer or its address
)

// weights say how much each reason counts. mediumFrom and highFrom are the sums at
// which a level begins: two networks alone are a medium risk, two countries, which
// are two networks as well, a high one.
var weights = map[Reason]int{
	OtherNetwork:   2,
	UnknownNetwork: 2,
	OtherCountry:   2,
	UnusualCountry: 1,
	OpenedTwice:    2,
	ManyStarts:     1,
	Reported:       2,
}

const (
	mediumFrom = 2
	highFrom   = 4
	// knownKey is what a computer that the account has had before takes off: its
	// tokens go to that computer's key, whoever relays the code.
	knownKey = 2
)

// Facts are what is known of a request.
type Facts struct {
	// Local: it began in the very browser that is asked, so there is nobody between.
	Local   bool
	Desktop Spot
	Phone   Spot
	// KnownKey: the tokens will be bound to a DPoP key that the account has had before.
	KnownKey bool
	// Networks and Countries are those of the account's computers so far, as
	// NetworkOf and Spot.Country have them; none: nothing is known of the account.
	Networks    []string
	Countries   []string
	OpenedTwice bool
	ManyStarts  bool
	Reported    bool
}

// Assessment is a judgement, with what led to it.
type Assessment struct {
	Level   Level
	Reasons []Reason // none: nothing speaks against it
}

// Has reports whether the reason is one of them.
func (a Assessment) Has(r Reason) bool { return slices.Contains(a.Reasons, r) }

// Words are the reasons as text.
func (a Assessment) Words() []string {
	var list []string
	for _, r := range a.Reasons {
		list = append(list, string(r))
	}
	return list
}

// Assess judges a request.
func Assess(f Facts) Assessment {
	reasons := f.reasons()
	sum := 0
	for _, r := range reasons {
		sum += weights[r]
	}
	if f.KnownKey {
		sum -= knownKey
	}
	return Assessment{levelOf(sum), reasons}
}

func levelOf(sum int) Level {
	switch {
	case sum >= highFrom:
		return High
	case sum >= mediumFrom:
		return Medium
	}
	return Low
}

func (f Facts) reasons() (list []Reason) {
	add := func(is bool, r Reason) {
		if is {
			list = append(list, r)
		}
	}
	distance := Compare(f.Desktop, f.Phone)
	// A network that the account's computers have been on before is as good as the
	// phone's own, which may be on mobile data at home.
	near := f.Local || distance == Same || f.usual()
	elsewhere := abroad(f.Desktop, f.Phone)
	add(!near && distance == Other, OtherNetwork)
	add(!near && distance == Unknown, UnknownNetwork)
	add(!near && elsewhere, OtherCountry)
	add(!near && f.unusual(), UnusualCountry)
	add(f.OpenedTwice, OpenedTwice)
	add(!near && f.ManyStarts, ManyStarts)
	add(f.Reported, Reported)
	return list
}

// usual: a computer of the account has been on this network. One that is not known
// never is.
func (f Facts) usual() bool {
	network := NetworkOf(f.Desktop.Address)
	return network != "" && slices.Contains(f.Networks, network)
}

// unusual: the account has a history, and this country is not in it.
func (f Facts) unusual() bool {
	return f.Desktop.Country != "" && len(f.Countries) > 0 && !slices.Contains(f.Countries, f.Desktop.Country)
}
