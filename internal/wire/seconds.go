package wire

import (
	"math"
	"time"
)

// Seconds is a time that is left, as the wire says it: whole seconds, rounded up,
// so that nobody comes a moment too early; zero when none is left.
func Seconds(d time.Duration) int { return max(0, int(math.Ceil(d.Seconds()))) }

// RetryAfter is Seconds for the header of that name (RFC 9110 section 10.2.3),
// which asks for one second at least.
func RetryAfter(d time.Duration) int { return max(1, Seconds(d)) }
