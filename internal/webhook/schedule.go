package webhook

import (
	"net/http"
	"strconv"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// keptFor is how long after an event its notice is tried.
const keptFor = 3 * 24 * time.Hour

// maxRetryAfter bounds what a receiver may ask for.
const maxRetryAfter = time.Hour

// jitter is the part of a delay by which it is longer or shorter, by chance, so that
// what failed at once does not come again at once.
const jitter = 0.1

// delayAfter is how long to wait after the so manieth try, as Standard Webhooks
// recommends; ok is false when that was the last.
func delayAfter(tries int) (delay time.Duration, ok bool) {
	delays := [...]time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	if tries < 1 || tries > len(delays) {
		return 0, false
	}
	return delays[tries-1], true
}

// after is the message after a try that failed, due at its next one; ok is false when
// there is none. It waits for as long as the receiver asks at least, but the last try
// is made when the message has its full age, however long it was to wait. chance is from 0
// up to 1.
func after(m auth.Message, now time.Time, asked time.Duration, chance float64) (_ auth.Message, ok bool) {
	m.Tries++
	delay, ok := delayAfter(m.Tries)
	end := m.CreatedAt.Add(keptFor)
	if !ok || !now.Before(end) {
		return m, false
	}
	delay += time.Duration(float64(delay) * jitter * (2*chance - 1))
	m.DueAt = now.Add(max(delay, asked))
	if m.DueAt.After(end) {
		m.DueAt = end
	}
	return m, true
}

// retryAfter reads the header Retry-After (RFC 9110 section 10.2.3); none, or
// nonsense, is zero.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
