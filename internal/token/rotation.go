package token

import (
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
)

const (
	// JWKSMaxAge is for how long verifiers may keep the JWK Set.
	JWKSMaxAge = 5 * time.Minute
	// PublishLead is for how long a key is published before it signs: twice as long
	// as verifiers may keep the set, so that all have it when its first token comes.
	PublishLead = 2 * JWKSMaxAge
)

// Changes is what is to be done to the stored keys. The keys of Add are not
// sealed. Neither: nothing is to be done.
type Changes struct{ Add, Set []auth.Key }

// Plan says what to add or change so that there is always a key that signs. To be
// asked of all keys at each start and every few minutes; applied, it asks for
// nothing more at the same time.
//
// The key that signs is followed by another when its algorithm is not the wanted
// one or when it has signed for rotateAfter (zero: never for its age). The next
// one is published PublishLead ahead, and the old one stays published until its
// last token has ended. Where no key signs, one does at once. The deriving key is
// made once and stays.
//
// tokenLife is the longest life of a token, and an allowance for the clocks and
// caches of the nodes. When it has grown since, the old keys stay longer. When it
// was made shorter, a key that takes over before the longer tokens have ended cuts
// them off, for nothing tells of them any more.
func Plan(keys []auth.Key, now time.Time, want Algorithm, rotateAfter, tokenLife time.Duration) (Changes, error) {
	before := lineOf(keys, now)
	after, err := before.settle(now, want, rotateAfter)
	if err != nil {
		return Changes{}, err
	}
	c := before.changesTo(after.expiring(now, tokenLife))
	if slices.ContainsFunc(keys, func(k auth.Key) bool { return k.Use == auth.KeyDerives }) {
		return c, nil
	}
	k, err := NewDerivingKey(now)
	if err != nil {
		return Changes{}, err
	}
	c.Add = append(c.Add, k)
	return c, nil
}

// Successor is an operator's rotation, whatever the age of the key that signs:
// the next one is published now and signs PublishLead later. The old one expires
// when its last token has ended, tokenLife (as for Plan) after that.
//
// If a key waits to sign already, it is the one, and signs earlier if it would have
// come later. Where no key signs, the next one does at once.
func Successor(keys []auth.Key, now time.Time, want Algorithm, tokenLife time.Duration) (Changes, error) {
	before, from := lineOf(keys, now), now
	if before.signs(now) >= 0 {
		from = now.Add(PublishLead)
	}
	after, err := before.succeed(now, from, want)
	if err != nil {
		return Changes{}, err
	}
	return before.changesTo(after.expiring(now, tokenLife)), nil
}

// Replacement is the rotation for a key that leaked: the next one signs at once, which
// fails those verifiers that have not seen it yet, and those before are over, with
// every token that they signed. So is one that waits: it lay where the leaked one lay.
func Replacement(keys []auth.Key, now time.Time, want Algorithm) (Changes, error) {
	next, err := NewSigningKey(now, now, want)
	if err != nil {
		return Changes{}, err
	}
	c := Changes{Add: []auth.Key{next}}
	for _, k := range lineOf(keys, now) {
		k.ExpiresAt = stored(now.Add(-takenBack))
		c.Set = append(c.Set, k)
	}
	return c, nil
}

// takenBack is how long ago a key has ended that is taken back: it must not come back
// where a node's clock is behind, or is set back before the key is deleted.
const takenBack = 24 * time.Hour

// line is the signing keys that have not expired, in the order in which they take
// over from each other. Its methods leave it as it is.
type line []auth.Key

func lineOf(keys []auth.Key, now time.Time) line {
	var l line
	for _, k := range keys {
		if k.Use == auth.KeySigns && !expired(k, now) {
			l = append(l, k)
		}
	}
	slices.SortFunc(l, inOrder)
	return l
}

// waits is the index of the first key that does not sign yet; behind the last if
// there is none.
func (l line) waits(now time.Time) int {
	i := slices.IndexFunc(l, func(k auth.Key) bool { return k.SignsFrom.After(now) })
	if i < 0 {
		return len(l)
	}
	return i
}

// signs is the index of the key that signs; negative if there is none.
func (l line) signs(now time.Time) int { return l.waits(now) - 1 }

// due says from when on another key must sign, if one must and none waits.
func (l line) due(now time.Time, want Algorithm, rotateAfter time.Duration) (time.Time, bool) {
	i := l.signs(now)
	if i < 0 {
		return now, true
	}
	next := now.Add(PublishLead)
	if w := l.waits(now); w < len(l) && !(l[w].CreatedAt.After(now) && l[w].SignsFrom.After(next)) {
		return time.Time{}, false // else a clock that was ahead had it wait, maybe for years
	}
	k := l[i]
	aged := rotateAfter > 0 && now.Sub(k.SignsFrom) >= rotateAfter-PublishLead
	orphaned := !k.ExpiresAt.IsZero() // it was told to end, and its successor is gone
	return next, aged || orphaned || k.Algorithm != string(want)
}

// settle has keys succeed each other until none is due: one to sign now, where
// none does, and one to follow it, where it is not to stay.
func (l line) settle(now time.Time, want Algorithm, rotateAfter time.Duration) (line, error) {
	for {
		from, is := l.due(now, want, rotateAfter)
		if !is {
			return l, nil
		}
		after, err := l.succeed(now, from, want)
		if err != nil {
			return nil, err
		}
		l = after
	}
}

// succeed has another key sign from the given time on: the one that waits, or a
// new one.
func (l line) succeed(now, from time.Time, want Algorithm) (line, error) {
	after := slices.Clone(l)
	if i := l.waits(now); i < len(l) {
		after.hasten(i, now, from)
		return after, nil
	}
	k, err := NewSigningKey(now, from, want)
	if err != nil {
		return nil, err
	}
	after = append(after, k)
	slices.SortFunc(after, inOrder)
	return after, nil
}

// hasten moves the start of a key that waits to an earlier time, and the end of
// the one before it by as much.
func (l line) hasten(i int, now, from time.Time) {
	k := &l[i]
	from = stored(from)
	if !from.Before(k.SignsFrom) {
		return
	}
	if i > 0 && !l[i-1].ExpiresAt.IsZero() {
		l[i-1].ExpiresAt = l[i-1].ExpiresAt.Add(from.Sub(k.SignsFrom))
	}
	k.SignsFrom = from
	if k.CreatedAt.After(now) { // the clock was set back: it could not be published
		k.CreatedAt = stored(now)
	}
	slices.SortFunc(l, inOrder)
}

// expiring gives each key but the last its end: when the last token has ended
// that it signed before the next one took over. An end that is later already
// stays, for it may have signed tokens of a longer life.
func (l line) expiring(now time.Time, tokenLife time.Duration) line {
	after := slices.Clone(l)
	for i := range len(after) - 1 {
		end := stored(after[i+1].SignsFrom.Add(tokenLife))
		if after[i].ExpiresAt.Before(end) { // the zero time is before all others
			after[i].ExpiresAt = end
		}
	}
	return after
}

// changesTo is what leads from this line to the other.
func (l line) changesTo(after line) Changes {
	var c Changes
	for _, k := range after {
		i := slices.IndexFunc(l, func(old auth.Key) bool { return old.ID == k.ID })
		switch {
		case i < 0:
			c.Add = append(c.Add, k)
		case !sameTimes(l[i], k):
			c.Set = append(c.Set, k)
		}
	}
	return c
}

func sameTimes(a, b auth.Key) bool {
	return a.CreatedAt.Equal(b.CreatedAt) && a.SignsFrom.Equal(b.SignsFrom) && a.ExpiresAt.Equal(b.ExpiresAt)
}
