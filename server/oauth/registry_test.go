package oauth

import (
	"testing"
	"time"
)

func TestComingBackIsSpreadOut(t *testing.T) {
	perSecond := make(map[time.Duration]int)
	for i := range 10_000 {
		after := comeBack(i)
		if after < time.Second || after > 30*time.Second {
			t.Fatalf("desktop %d is to come back after %s, want between one second and half a minute", i, after)
		}
		perSecond[after.Truncate(time.Second)]++
	}
	for second, n := range perSecond {
		if n > comeBackRate {
			t.Errorf("%d desktops come back in second %s, want %d at most", n, second, comeBackRate)
		}
	}
}
