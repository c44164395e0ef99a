package ratelimit

import "time"

// Charge is one budget that a thing is charged to.
type Charge struct {
	Window *Window
	Key    string
}

// Places are those of one thing in several budgets.
type Places []*Place

// TakeAll takes a place of every budget, or of none: then it returns how long to wait
// until all have one. Those that come later are not touched once one has none, so put
// the narrow ones first and those that many share last.
func TakeAll(now time.Time, charges []Charge) (Places, time.Duration) {
	var places Places
	for i, c := range charges {
		place, wait := c.Window.Take(now, c.Key)
		if wait > 0 {
			places.Return()
			return nil, max(wait, longest(now, charges[i+1:]))
		}
		places = append(places, place)
	}
	return places, 0
}

func longest(now time.Time, charges []Charge) (wait time.Duration) {
	for _, c := range charges {
		wait = max(wait, c.Window.Wait(now, c.Key))
	}
	return wait
}

// Spend has all of them count.
func (p Places) Spend() {
	for _, place := range p {
		place.Spend()
	}
}

// Return gives all of them back.
func (p Places) Return() {
	for _, place := range p {
		place.Return()
	}
}
