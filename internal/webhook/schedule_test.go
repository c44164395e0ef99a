package webhook

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// even is the chance that neither lengthens nor shortens a delay.
const even = 0.5

func TestTheTriesOfANoticeThatNobodyTakes(t *testing.T) {
	m := auth.Message{ID: "msg_1", CreatedAt: noon, DueAt: noon}
	var got []string
	for ok := true; ok; {
		got = append(got, m.DueAt.Sub(noon).String())
		m, ok = after(m, m.DueAt, 0, even)
	}
	want := []string{"0s", "5s", "5m5s", "35m5s", "2h35m5s", "7h35m5s", "17h35m5s", "31h35m5s", "51h35m5s", "72h0m0s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tries (-want +got)\n%s", diff)
	}
	if m.Tries != len(want) {
		t.Errorf("got %d tries, want %d", m.Tries, len(want))
	}
}

func TestWhenTheNextTryIs(t *testing.T) {
	for name, tc := range map[string]struct {
		tries  int           // before this one
		at     time.Duration // of this one, from its beginning
		asked  time.Duration
		chance float64
		want   time.Duration // from then on; below zero: there is none
	}{
		"sooner by chance":                          {0, 0, 0, 0, 4500 * time.Millisecond},
		"later by chance":                           {0, 0, 0, 1, 5500 * time.Millisecond},
		"when the receiver asks, if that is later":  {0, 0, time.Minute, even, time.Minute},
		"not when the receiver asks, if it is less": {1, 0, time.Minute, even, 5 * time.Minute},
		"at the end of its time":                    {6, 71 * time.Hour, 0, even, time.Hour},
		"at the end, whatever the receiver asks":    {0, 72*time.Hour - time.Minute, time.Hour, even, time.Minute},
		"never, when its time is over":              {0, 72 * time.Hour, 0, even, -1},
		"never, when it is long over":               {0, 1000 * time.Hour, 0, even, -1},
		"the last of the schedule":                  {8, 0, 0, even, 24 * time.Hour},
		"never, after the last of the schedule":     {9, 0, 0, even, -1},
		"never, after more tries than there can be": {1 << 40, 0, 0, even, -1},
		"never, when somebody wrote less than none": {-5, 0, 0, even, -1},
	} {
		t.Run(name, func(t *testing.T) {
			now := noon.Add(tc.at)
			got, ok := after(auth.Message{CreatedAt: noon, DueAt: now, Tries: tc.tries}, now, tc.asked, tc.chance)
			if got.Tries != tc.tries+1 {
				t.Errorf("got %d tries, want %d", got.Tries, tc.tries+1)
			}
			if ok != (tc.want >= 0) || ok && got.DueAt.Sub(now) != tc.want {
				t.Errorf("got %s, %t; want %s", got.DueAt.Sub(now), ok, tc.want)
			}
		})
	}
}

func TestNoTryIsBeforeNowOrAfterItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon.Add(time.Duration(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "now")))
		m := auth.Message{CreatedAt: noon, DueAt: now, Tries: rapid.IntRange(0, 12).Draw(t, "tries")}
		asked := time.Duration(rapid.Int64Range(0, int64(maxRetryAfter)).Draw(t, "asked"))
		next, ok := after(m, now, asked, rapid.Float64Range(0, 1).Draw(t, "chance"))
		if ok && (!next.DueAt.After(now) || next.DueAt.After(noon.Add(keptFor))) {
			t.Errorf("at %s: the next try is at %s", now.Sub(noon), next.DueAt.Sub(noon))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"3601":                          time.Hour,
		"99999999999999999999":          0,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"Wed, 01 Mar 2028 12:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, noon); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
}
