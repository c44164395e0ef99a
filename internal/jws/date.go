package jws

import (
	"math"
	"strconv"
	"time"
)

// Skew is what two computers' clocks may differ by.
const Skew = time.Minute

// latest is the end of the year 9999, after which no time prints as RFC 3339.
const latest = 253402300799

// Date is a NumericDate (RFC 7519 section 2): seconds since the epoch, perhaps
// with a fraction. A *Date is nil where the claim is missing or null.
type Date struct{ time.Time }

// UnmarshalJSON takes a number only. The error is ErrForm.
func (d *Date) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(seconds >= 0 && seconds <= latest) {
		return ErrForm
	}
	whole, fraction := math.Modf(seconds)
	d.Time = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	return nil
}
