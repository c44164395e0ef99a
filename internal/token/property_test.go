package token_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

// server is one that lives through a long time: it plans, signs, prunes, and now
// and then is configured anew or rotated by its operator.
type server struct {
	now         time.Time
	keys        []auth.Key
	want        token.Algorithm
	rotateAfter time.Duration
	tokenLife   time.Duration

	ring      *token.Ring
	published map[string]time.Time // since when verifiers could know a key
	hurried   map[string]bool      // keys that had to sign at once
	last      map[string]issued    // the token of each key that ends last
}

type issued struct {
	text string
	ends time.Time
}

// Over any sequence of times, plans and rotations.
func TestKeysRotateWithoutAFailedVerification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &server{
			now: start, want: token.EdDSA, tokenLife: time.Hour,
			rotateAfter: time.Duration(rapid.IntRange(1, 48).Draw(t, "rotate after hours")) * time.Hour,
			published:   map[string]time.Time{}, hurried: map[string]bool{}, last: map[string]issued{},
		}
		s.plan(t)
		s.hurry(t)
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			s.step(t)
		}
	})
}

func (s *server) step(t *rapid.T) {
	s.pass(t)
	switch rapid.SampledFrom([]string{"", "", "", "configure", "live", "rotate", "leak"}).Draw(t, "event") {
	case "configure":
		s.want = rapid.SampledFrom([]token.Algorithm{token.EdDSA, token.ES256}).Draw(t, "algorithm")
	case "live":
		s.tokenLife += time.Duration(rapid.IntRange(1, 100).Draw(t, "minutes longer")) * time.Minute
	case "rotate":
		c, err := token.Successor(s.keys, s.now, s.want, s.tokenLife)
		if err != nil {
			t.Fatal(err)
		}
		s.apply(t, c)
	case "leak":
		s.replace(t)
	}
	s.plan(t)
	s.sign(t)
}

// pass lets time go by, in which the server signs with the keys that it has.
func (s *server) pass(t *rapid.T) {
	longest := rapid.SampledFrom([]time.Duration{time.Second, token.PublishLead, time.Hour, 2 * s.rotateAfter}).Draw(t, "pace")
	for range rapid.IntRange(1, 3).Draw(t, "moments") {
		s.now = s.now.Add(time.Duration(rapid.Int64Range(0, int64(longest)).Draw(t, "wait")))
		s.sign(t)
	}
	s.keys = slices.DeleteFunc(s.keys, func(k auth.Key) bool { return !k.ExpiresAt.IsZero() && !s.now.Before(k.ExpiresAt) })
}

func (s *server) plan(t *rapid.T) {
	c, err := token.Plan(s.keys, s.now, s.want, s.rotateAfter, s.tokenLife)
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, c)
	if c, err = token.Plan(s.keys, s.now, s.want, s.rotateAfter, s.tokenLife); err != nil || len(c.Add)+len(c.Set) > 0 {
		t.Fatalf("planned twice: %+v, %v", c, err)
	}
}

// replace takes all keys back, and with them what they signed.
func (s *server) replace(t *rapid.T) {
	c, err := token.Replacement(s.keys, s.now, s.want)
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, c)
	s.hurry(t)
	for id, tok := range s.last {
		if _, err := s.ring.OpenAccess(s.now, tok.text, issuer); err == nil {
			t.Fatalf("at %s a token of %s opens, which leaked", s.now, id)
		}
	}
	clear(s.last)
}

func (s *server) apply(t *rapid.T, c token.Changes) {
	if len(c.Add)+len(c.Set) == 0 {
		return
	}
	s.keys = apply(s.keys, c)
	ring, err := token.NewRing(s.keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.ring = ring
	for _, id := range publishedIDs(t, s.ring, s.now) {
		if _, known := s.published[id]; !known {
			s.published[id] = s.now
		}
	}
	if n := s.waiting(); n > 1 {
		t.Fatalf("%d keys wait to sign", n)
	}
}

func (s *server) waiting() (n int) {
	for _, k := range token.Statuses(s.keys, s.now) {
		if k.State == token.Waits {
			n++
		}
	}
	return n
}

// sign makes a token, and looks at it and at all that have not ended.
func (s *server) sign(t *rapid.T) {
	id := s.issue(t)
	if since, known := s.published[id]; !known || (!s.hurried[id] && s.now.Sub(since) < token.PublishLead) {
		t.Fatalf("%s signs at %s, published since %s", id, s.now, since)
	}
	published := publishedIDs(t, s.ring, s.now)
	for id, tok := range s.last {
		if !s.now.Before(tok.ends) {
			delete(s.last, id)
			continue
		}
		if !slices.Contains(published, id) {
			t.Fatalf("at %s %s is published no more, and a token of its ends at %s", s.now, id, tok.ends)
		}
		if _, err := s.ring.OpenAccess(s.now, tok.text, issuer); err != nil {
			t.Fatalf("at %s a token that ends at %s: %v", s.now, tok.ends, err)
		}
	}
}

func (s *server) issue(t *rapid.T) (id string) {
	c := accessClaims()
	c.IssuedAt, c.ExpiresAt = s.now, s.now.Add(s.tokenLife)
	text, err := s.ring.SignAccess(s.now, c)
	if err != nil {
		t.Fatalf("at %s: %v", s.now, err)
	}
	id = kidOf(t, text)
	if c.ExpiresAt.After(s.last[id].ends) {
		s.last[id] = issued{text, c.ExpiresAt}
	}
	return id
}

// hurry remembers that the key which signs now had no time to be known.
func (s *server) hurry(t *rapid.T) {
	text, err := s.ring.SignAccess(s.now, accessClaims())
	if err != nil {
		t.Fatal(err)
	}
	s.hurried[kidOf(t, text)] = true
}
