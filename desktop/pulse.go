package desktop

import "time"

const (
	pulsePeriod = time.Second
	pulseSlip   = 5 * time.Second // more than a busy machine delays a tick
)

// pulse notices that the computer slept: between two ticks the clock on the wall
// went on much further than a tick, while everything that waits stood still.
type pulse struct {
	last   time.Time
	period time.Duration // from tick to tick
}

// beat takes the wall clock at a tick and reports whether it jumped.
func (p *pulse) beat(wall time.Time) bool {
	passed := wall.Sub(p.last)
	p.last = wall
	return passed > p.period+pulseSlip || passed < -pulseSlip
}
