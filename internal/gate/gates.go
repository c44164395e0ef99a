package gate

import "time"

// Gates are those of a server, one for each kind of request. The zero Gates let in
// everybody.
//
//   - Starts write, each a grant. Anybody may ask for as many as they like.
//   - Tokens are what programs ask of grants and tokens that there are: mostly polls, which
//     read, and the one poll in hundreds that an approval waits for.
//   - Sockets are handshakes of the push channel, and no sockets: those that are open have no place.
//   - Pages are what people look at, and what they do beside deciding.
//   - Decisions are people's yes and no, the number that goes with it, and the way back to
//     an app. Nothing else waits before them: by then somebody stands there with the phone
//     in the hand.
type Gates struct {
	Starts, Tokens, Sockets, Pages, Decisions *Gate
}

// Machines have Places enough for one batch of the storage's, and for many more than
// processors: it is the line that fills up under a flood, and it is only as long as can
// be answered in a blink. A program comes again by itself; a person has to tap again, and
// waits for longer before that.
const (
	machines       = 128
	machinesLine   = 2048
	machinesWait   = 500 * time.Millisecond
	machinesHold   = time.Second
	people         = 64
	peopleLine     = 4096
	peopleWait     = 10 * time.Second
	handshakesWait = 5 * time.Second
)

// NewGates makes all of them. NoSockets reports that no more sockets may be opened; nil:
// there may always be more.
func NewGates(noSockets func() bool) Gates {
	return Gates{
		Starts:    New(Bounds{Places: machines, Line: machinesLine, Patience: machinesWait, Hold: machinesHold}),
		Tokens:    New(Bounds{Places: machines, Line: machinesLine, Patience: machinesWait, Hold: machinesHold}),
		Sockets:   New(Bounds{Places: people, Line: peopleLine, Patience: handshakesWait, Closed: noSockets}),
		Pages:     New(Bounds{Places: people, Line: peopleLine, Patience: peopleWait}),
		Decisions: New(Bounds{Places: people, Line: peopleLine, Patience: peopleWait}),
	}
}

// ByName is each of them with the name that the operator knows it by.
func (g Gates) ByName() map[string]*Gate {
	return map[string]*Gate{
		"starts": g.Starts, "tokens": g.Tokens, "sockets": g.Sockets, "pages": g.Pages, "decisions": g.Decisions,
	}
}
