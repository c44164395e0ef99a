package token_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

const (
	rotateAfter = 30 * 24 * time.Hour
	tokenLife   = time.Hour
)

// apply is what a store does with the changes.
func apply(keys []auth.Key, c token.Changes) []auth.Key {
	after := append([]auth.Key{}, keys...)
	for _, k := range c.Set {
		for i := range after {
			if after[i].ID == k.ID {
				after[i] = k
			}
		}
	}
	return append(after, c.Add...)
}

func plan(t testing.TB, keys []auth.Key, now time.Time, want token.Algorithm) token.Changes {
	t.Helper()
	c, err := token.Plan(keys, now, want, rotateAfter, tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	again, err := token.Plan(apply(keys, c), now, want, rotateAfter, tokenLife)
	if err != nil || len(again.Add)+len(again.Set) > 0 {
		t.Errorf("planned twice: got %+v, %v; want nothing more", again, err)
	}
	return c
}

func succeed(t testing.TB, keys []auth.Key, now time.Time, want token.Algorithm) token.Changes {
	t.Helper()
	c, err := token.Successor(keys, now, want, tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// times are a key's, counted from the start.
type times struct {
	Algorithm             token.Algorithm
	Created, Signs, Ended time.Duration // Ended is zero: it does not
}

func timesOf(k auth.Key) times {
	s := times{Algorithm: token.Algorithm(k.Algorithm), Created: k.CreatedAt.Sub(start), Signs: k.SignsFrom.Sub(start)}
	if !k.ExpiresAt.IsZero() {
		s.Ended = k.ExpiresAt.Sub(start)
	}
	return s
}

// key is one with such times. Its material is nothing: a plan does not look at it.
func (s times) key(id auth.KeyID) auth.Key {
	k := auth.Key{
		ID: id, Use: auth.KeySigns, Algorithm: string(s.Algorithm), Material: []byte(id), Sealed: true,
		CreatedAt: start.Add(s.Created), SignsFrom: start.Add(s.Signs),
	}
	if s.Ended != 0 {
		k.ExpiresAt = start.Add(s.Ended)
	}
	return k
}

// line is keys "a", "b", … with such times, and a deriving key.
func line(t testing.TB, all ...times) []auth.Key {
	keys := []auth.Key{newDeriving(t)}
	for i, s := range all {
		keys = append(keys, s.key(auth.KeyID(rune('a'+i))))
	}
	return keys
}

// summary is what changes would do: the times of what is added, and of what is
// set by its ID.
type summary struct {
	Add []times
	Set map[auth.KeyID]times
}

func summarize(t testing.TB, keys []auth.Key, c token.Changes) summary {
	t.Helper()
	var s summary
	for _, k := range c.Add {
		s.Add = append(s.Add, timesOf(k))
		if k.Sealed || len(k.Material) < 32 {
			t.Errorf("an added key: %+v", k)
		}
	}
	for _, k := range c.Set {
		if s.Set == nil {
			s.Set = map[auth.KeyID]times{}
		}
		s.Set[k.ID] = timesOf(k)
		if string(k.Material) != string(k.ID) || !k.Sealed || k.Use != auth.KeySigns {
			t.Errorf("more than the times of a key changed: %+v", k)
		}
	}
	return s
}

func TestTheFirstPlanMakesAKeyThatSignsAtOnceAndOneToDeriveFrom(t *testing.T) {
	c := plan(t, nil, start, token.EdDSA)
	if len(c.Add) != 2 || len(c.Set) != 0 {
		t.Fatalf("got %+v, want two keys more", c)
	}
	if c.Add[0].Use != auth.KeySigns || timesOf(c.Add[0]) != (times{Algorithm: token.EdDSA}) || c.Add[1].Use != auth.KeyDerives {
		t.Errorf("got %+v", c.Add)
	}
	r := newRing(t, c.Add...)
	if _, err := r.OpenAccess(start, signAccess(t, r, accessClaims()), issuer); err != nil {
		t.Error(err)
	}
	if c := plan(t, c.Add[:1], start, token.EdDSA); len(c.Add) != 1 || c.Add[0].Use != auth.KeyDerives {
		t.Errorf("where only the deriving key is missing: got %+v", c)
	}
}

func TestPlan(t *testing.T) {
	const lead = token.PublishLead
	due := rotateAfter - lead
	es := times{Algorithm: token.ES256}
	for name, tc := range map[string]struct {
		keys []times
		now  time.Duration
		want token.Algorithm
		sum  summary
	}{
		"a young key signs on":                {[]times{es}, time.Hour, token.ES256, summary{}},
		"a moment before its time, it stays":  {[]times{es}, due - time.Microsecond, token.ES256, summary{}},
		"an aged key is followed by the next": {[]times{es}, due, token.ES256, summary{[]times{{token.ES256, due, due + lead, 0}}, map[auth.KeyID]times{"a": {token.ES256, 0, 0, due + lead + tokenLife}}}},
		"and so it is when nobody asked for a year": {
			[]times{es},
			12 * rotateAfter, token.ES256,
			summary{[]times{{token.ES256, 12 * rotateAfter, 12*rotateAfter + lead, 0}}, map[auth.KeyID]times{"a": {token.ES256, 0, 0, 12*rotateAfter + lead + tokenLife}}},
		},
		"another algorithm is wanted": {
			[]times{es},
			time.Hour, token.EdDSA,
			summary{[]times{{token.EdDSA, time.Hour, time.Hour + lead, 0}}, map[auth.KeyID]times{"a": {token.ES256, 0, 0, time.Hour + lead + tokenLife}}},
		},
		"one waits already": {
			[]times{{token.ES256, 0, 0, due + lead + tokenLife}, {token.ES256, due, due + lead, 0}},
			due + lead - time.Microsecond, token.ES256,
			summary{},
		},
		"one waits already, and of an algorithm that is wanted no more": {
			[]times{{token.ES256, 0, 0, due + lead + tokenLife}, {token.EdDSA, due, due + lead, 0}},
			due + time.Minute, token.ES256,
			summary{},
		},
		"it takes over, and is of an algorithm that is wanted no more": {
			[]times{{token.ES256, 0, 0, due + lead + tokenLife}, {token.EdDSA, due, due + lead, 0}},
			due + lead, token.ES256,
			summary{[]times{{token.ES256, due + lead, due + 2*lead, 0}}, map[auth.KeyID]times{"b": {token.EdDSA, due, due + lead, due + 2*lead + tokenLife}}},
		},
		"an old one whose end was never told": {
			[]times{es, {token.ES256, 0, time.Hour, 0}},
			90 * time.Minute, token.ES256,
			summary{nil, map[auth.KeyID]times{"a": {token.ES256, 0, 0, time.Hour + tokenLife}}},
		},
		"tokens live longer than when the end was told": {
			[]times{{token.ES256, 0, 0, time.Hour + 10*time.Minute}, {token.ES256, 0, time.Hour, 0}},
			65 * time.Minute, token.ES256,
			summary{nil, map[auth.KeyID]times{"a": {token.ES256, 0, 0, time.Hour + tokenLife}}},
		},
		"tokens live shorter than when the end was told": {
			[]times{{token.ES256, 0, 0, 9 * time.Hour}, {token.ES256, 0, time.Hour, 0}}, 65 * time.Minute, token.ES256, summary{},
		},
		"one that has expired stays so": {
			[]times{{token.ES256, 0, 0, time.Hour + 10*time.Minute}, {token.ES256, 0, time.Hour, 0}}, 70 * time.Minute, token.ES256, summary{},
		},
		"the next one is gone": {
			[]times{{token.ES256, 0, 0, 65 * time.Minute}},
			time.Hour, token.ES256,
			summary{[]times{{token.ES256, time.Hour, time.Hour + lead, 0}}, map[auth.KeyID]times{"a": {token.ES256, 0, 0, time.Hour + lead + tokenLife}}},
		},
		"all have expired": {
			[]times{{token.ES256, 0, 0, time.Hour}},
			time.Hour, token.ES256,
			summary{[]times{{token.ES256, time.Hour, time.Hour, 0}}, nil},
		},
		"the clock was set back": {
			[]times{{token.ES256, 0, 0, 0}},
			-time.Hour, token.ES256,
			summary{nil, map[auth.KeyID]times{"a": {token.ES256, -time.Hour, -time.Hour, 0}}},
		},
		"the one that signed is gone, and one waits": {
			[]times{{token.EdDSA, 0, lead, 0}},
			time.Minute, token.EdDSA,
			summary{nil, map[auth.KeyID]times{"a": {token.EdDSA, 0, time.Minute, 0}}},
		},
		"the same, and another algorithm is wanted": {
			[]times{{token.EdDSA, 0, lead, 0}},
			time.Minute, token.ES256,
			summary{
				[]times{{token.ES256, time.Minute, time.Minute + lead, 0}},
				map[auth.KeyID]times{"a": {token.EdDSA, 0, time.Minute, time.Minute + lead + tokenLife}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			keys := line(t, tc.keys...)
			if diff := cmp.Diff(tc.sum, summarize(t, keys, plan(t, keys, start.Add(tc.now), tc.want))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Keys that stay for less than the lead follow each other as fast as they can.
func TestKeysThatAreToStayForAMoment(t *testing.T) {
	c, err := token.Plan(nil, start, token.ES256, time.Minute, tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Add) != 3 || len(c.Set) > 0 {
		t.Fatalf("got %+v, want the first key, the next one and the deriving key", c)
	}
	if again, err := token.Plan(c.Add, start, token.ES256, time.Minute, tokenLife); err != nil || len(again.Add)+len(again.Set) > 0 {
		t.Errorf("planned twice: got %+v, %v; want nothing more", again, err)
	}
}

func TestNoAgeIsTooOld(t *testing.T) {
	c, err := token.Plan(line(t, times{Algorithm: token.ES256}), start.Add(100*rotateAfter), token.ES256, 0, tokenLife)
	if err != nil || len(c.Add)+len(c.Set) > 0 {
		t.Errorf("got %+v, %v; want nothing to do", c, err)
	}
}

func TestAPlanForAnAlgorithmThatNobodyKnows(t *testing.T) {
	if c, err := token.Plan(nil, start, "HS256", rotateAfter, tokenLife); err == nil {
		t.Errorf("got %+v, want an error", c)
	}
	if c, err := token.Successor(nil, start, "none", tokenLife); err == nil {
		t.Errorf("got %+v, want an error", c)
	}
	if c, err := token.Replacement(nil, start, "none"); err == nil {
		t.Errorf("got %+v, want an error", c)
	}
}

func TestSuccessor(t *testing.T) {
	const lead = token.PublishLead
	es := times{Algorithm: token.ES256}
	waiting := []times{{token.ES256, 0, 0, 2*time.Hour + 3*tokenLife}, {token.EdDSA, time.Hour, 2 * time.Hour, 0}}
	for name, tc := range map[string]struct {
		keys []times
		now  time.Duration
		sum  summary
	}{
		"the next one is published ahead": {
			[]times{es},
			time.Hour,
			summary{[]times{{token.ES256, time.Hour, time.Hour + lead, 0}}, map[auth.KeyID]times{"a": {token.ES256, 0, 0, time.Hour + lead + tokenLife}}},
		},
		"one waits, and comes earlier, and the end of the old one by as much": {
			waiting, 61 * time.Minute,
			summary{nil, map[auth.KeyID]times{"a": {token.ES256, 0, 0, 61*time.Minute + lead + 3*tokenLife}, "b": {token.EdDSA, time.Hour, 61*time.Minute + lead, 0}}},
		},
		"one waits, and does not come later": {waiting, 2*time.Hour - time.Minute, summary{}},
		"an earlier one keeps its end": {
			[]times{{token.ES256, 0, 0, 2 * time.Hour}, {token.ES256, 0, time.Hour, 0}},
			90 * time.Minute,
			summary{[]times{{token.ES256, 90 * time.Minute, 100 * time.Minute, 0}}, map[auth.KeyID]times{"b": {token.ES256, 0, time.Hour, 160 * time.Minute}}},
		},
		"there is none yet":                  {nil, 0, summary{[]times{es}, nil}},
		"none signs, and one waits for long": {[]times{{token.ES256, 0, time.Hour, 0}}, time.Minute, summary{nil, map[auth.KeyID]times{"a": {token.ES256, 0, time.Minute, 0}}}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, now := line(t, tc.keys...), start.Add(tc.now)
			c := succeed(t, keys, now, token.ES256)
			if diff := cmp.Diff(tc.sum, summarize(t, keys, c)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			plan(t, apply(keys, c), now, token.ES256) // which settles after one more
		})
	}
}

func TestReplacement(t *testing.T) {
	es := times{Algorithm: token.ES256}
	taken := time.Hour - 24*time.Hour // back, also where a clock is a day behind
	next := []times{{token.ES256, time.Hour, time.Hour, 0}}
	for name, tc := range map[string]struct {
		keys []times
		sum  summary
	}{
		"the key that signs is over": {[]times{es}, summary{next, map[auth.KeyID]times{"a": {token.ES256, 0, 0, taken}}}},
		"one that stays and one that waits are over too": {
			[]times{{token.ES256, 0, 0, 90 * time.Minute}, {token.EdDSA, 0, 30 * time.Minute, 3 * time.Hour}, {token.ES256, 55 * time.Minute, 65 * time.Minute, 0}},
			summary{next, map[auth.KeyID]times{"a": {token.ES256, 0, 0, taken}, "b": {token.EdDSA, 0, 30 * time.Minute, taken}, "c": {token.ES256, 55 * time.Minute, 65 * time.Minute, taken}}},
		},
		"one that was over stays as it is": {[]times{{token.ES256, 0, 0, 30 * time.Minute}}, summary{next, nil}},
		"there is none yet":                {nil, summary{next, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, now := line(t, tc.keys...), start.Add(time.Hour)
			c, err := token.Replacement(keys, now, token.ES256)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.sum, summarize(t, keys, c)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if more := plan(t, apply(keys, c), now, token.ES256); len(more.Add)+len(more.Set) > 0 {
				t.Errorf("a plan wants more: %+v", more)
			}
		})
	}
}
