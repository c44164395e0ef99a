package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/store"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/token"
)

// clock is the present, moved on by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func openStore(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return db
}

func newStore(t *testing.T) *sqlite.DB {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "qrauthd.db"))
}

func newSealer(t *testing.T, letter string) *token.Sealer {
	t.Helper()
	s, err := token.NewSealer(bytes.Repeat([]byte(letter), 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// list is what is stored.
func list(t *testing.T, st store.Store) (keys []auth.Key) {
	t.Helper()
	err := st.View(t.Context(), func(tx store.Tx) (err error) {
		keys, err = tx.Keys()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func ofUse(keys []auth.Key, use auth.KeyUse) (found []auth.Key) {
	for _, k := range keys {
		if k.Use == use {
			found = append(found, k)
		}
	}
	return found
}

func read(t *testing.T, k *keyring.Keyring) *keyring.Set {
	t.Helper()
	set, err := k.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func tend(t *testing.T, k *keyring.Keyring) {
	t.Helper()
	if err := k.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// same reports whether the two derive the same.
func same(a, b *keyring.Set, now time.Time) bool {
	return bytes.Equal(a.Subjects, b.Subjects) && bytes.Equal(a.Families, b.Families) &&
		a.Nonces.Issue(now) == b.Nonces.Issue(now)
}

func TestEightServersOnOneFileMakeTheKeysOnce(t *testing.T) {
	c, path := newClock(), filepath.Join(t.TempDir(), "qrauthd.db")
	st := openStore(t, path)
	rings := make([]*keyring.Keyring, 8)
	for i := range rings {
		rings[i] = keyring.New(openStore(t, path), keyring.Policy{}, c.Now)
	}
	sets := make([]*keyring.Set, len(rings))
	var all sync.WaitGroup
	for i, k := range rings {
		all.Go(func() {
			var err error
			if sets[i], err = k.Read(t.Context()); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := k.Tend(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	keys := list(t, st)
	if signs, derives := len(ofUse(keys, auth.KeySigns)), len(ofUse(keys, auth.KeyDerives)); signs != 1 || derives != 1 {
		t.Errorf("got %d signing keys and %d deriving keys, want one of each", signs, derives)
	}
	for i, set := range sets {
		if !same(set, sets[0], c.Now()) || !bytes.Equal(set.JWKS(c.Now()), sets[0].JWKS(c.Now())) {
			t.Errorf("server %d has other keys than the first", i)
		}
	}
}

func TestWhatIsDerivedDiffersAndLasts(t *testing.T) {
	c, st := newClock(), newStore(t)
	k := keyring.New(st, keyring.Policy{RotateAfter: 24 * time.Hour}, c.Now)
	before := read(t, k)
	if bytes.Equal(before.Subjects, before.Families) || len(before.Subjects) != 32 || len(before.Families) != 32 {
		t.Error("want two keys of 32 bytes")
	}
	for range 100 {
		c.Advance(24 * time.Hour)
		tend(t, k)
		if _, err := st.Prune(t.Context(), c.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if after := read(t, keyring.New(st, keyring.Policy{}, c.Now)); !same(before, after, c.Now()) {
		t.Error("after many rotations something else is derived")
	}
}

func TestADatabaseThatLacksAKeyGetsIt(t *testing.T) {
	c := newClock()
	now := c.Now()
	signing, err := token.NewSigningKey(now, now, token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	deriving, err := token.NewDerivingKey(now)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]auth.Key{"that derives": signing, "that signs": deriving} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			add(t, st, key)
			k := keyring.New(st, keyring.Policy{}, c.Now)
			set := read(t, k)
			if _, err := set.SignAccess(c.Now(), claims(c.Now())); err != nil || len(list(t, st)) != 2 {
				t.Errorf("got %d keys, %v; want two that do", len(list(t, st)), err)
			}
		})
	}
}

func add(t *testing.T, st store.Store, keys ...auth.Key) {
	t.Helper()
	err := st.Update(t.Context(), func(tx store.Tx) error {
		for _, k := range keys {
			if err := tx.AddKey(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasStoredBeforeThereWasAKeyFileIsSealed(t *testing.T) {
	c, st := newClock(), newStore(t)
	policy := keyring.Policy{RotateAfter: 24 * time.Hour}
	open := keyring.New(st, policy, c.Now)
	before := read(t, open)
	c.Advance(24 * time.Hour)
	tend(t, open) // so that there are two that sign, and one that derives
	plain := list(t, st)
	policy.Sealer = newSealer(t, "s")
	sealed := keyring.New(st, policy, c.Now)
	if after := read(t, sealed); !same(before, after, c.Now()) {
		t.Error("before it is sealed, the key file hides what is there")
	}
	tend(t, sealed)
	kept := list(t, st)
	if len(kept) != len(plain) || len(kept) != 3 {
		t.Fatalf("got %d keys, want the %d of before", len(kept), len(plain))
	}
	for i, k := range kept {
		if !k.Sealed || bytes.Contains(k.Material, plain[i].Material) || k.ID != plain[i].ID ||
			!k.SignsFrom.Equal(plain[i].SignsFrom) || !k.ExpiresAt.Equal(plain[i].ExpiresAt) {
			t.Errorf("key %s: sealed %t; want the same key, sealed", k.ID, k.Sealed)
		}
	}
	if after := read(t, sealed); !same(before, after, c.Now()) {
		t.Error("once it is sealed, something else is derived")
	}
	again := list(t, st)
	tend(t, sealed)
	if diff := cmp.Diff(again, list(t, st)); diff != "" {
		t.Error("what is sealed was sealed again")
	}
	for range 2 { // what comes later is sealed from the start
		c.Advance(24 * time.Hour)
		tend(t, sealed)
	}
	for _, k := range list(t, st) {
		if !k.Sealed {
			t.Errorf("key %s is not sealed", k.ID)
		}
	}
}

// TestAKeyThatWasPutBesideSealedOnesIsAnErrorAndStaysUnsealed: whoever can write to
// the database has no key of theirs sealed, and so believed, by the server.
func TestAKeyThatWasPutBesideSealedOnesIsAnErrorAndStaysUnsealed(t *testing.T) {
	for name, plant := range map[string]func(now time.Time) (auth.Key, error){
		"to sign at once": func(now time.Time) (auth.Key, error) { return token.NewSigningKey(now, now, token.ES256) },
		"to sign one day": func(now time.Time) (auth.Key, error) {
			return token.NewSigningKey(now, now.Add(time.Hour), token.ES256)
		},
		"to derive from": func(now time.Time) (auth.Key, error) { return token.NewDerivingKey(now.Add(-time.Hour)) },
		"that is over":   over,
	} {
		t.Run(name, func(t *testing.T) {
			c, st := newClock(), newStore(t)
			k := keyring.New(st, keyring.Policy{Sealer: newSealer(t, "s"), RotateAfter: 24 * time.Hour}, c.Now)
			tend(t, k)
			read(t, k)
			planted, err := plant(c.Now())
			if err != nil {
				t.Fatal(err)
			}
			add(t, st, planted)
			c.Advance(48 * time.Hour) // there would be something to do
			before := list(t, st)
			_, rotated := k.Rotate(t.Context())
			_, replaced := k.Replace(t.Context())
			set, read := k.Read(t.Context())
			for who, err := range map[string]error{"tend": k.Tend(t.Context()), "rotate": rotated, "replace": replaced, "read": read} {
				if !errors.Is(err, token.ErrPlanted) {
					t.Errorf("%s: got %v, want %v", who, err, token.ErrPlanted)
				}
			}
			if set != nil {
				t.Error("there is a set with it")
			}
			if diff := cmp.Diff(before, list(t, st)); diff != "" {
				t.Errorf("the keys changed (-before +after):\n%s", diff)
			}
		})
	}
}

// over is a key of which the tokens have ended.
func over(now time.Time) (auth.Key, error) {
	k, err := token.NewSigningKey(now.Add(-time.Hour), now.Add(-time.Hour), token.ES256)
	k.ExpiresAt = now
	return k, err
}

func TestAWrongKeyFileIsAnErrorAndChangesNothing(t *testing.T) {
	tests := []struct {
		name   string
		sealer func(*testing.T) *token.Sealer
		err    error
	}{
		{"no key file", func(*testing.T) *token.Sealer { return nil }, token.ErrSealed},
		{"another key file", func(t *testing.T) *token.Sealer { return newSealer(t, "x") }, token.ErrWrongSeal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, st := newClock(), newStore(t)
			right := keyring.Policy{Sealer: newSealer(t, "s"), RotateAfter: 24 * time.Hour}
			tend(t, keyring.New(st, right, c.Now))
			before := list(t, st)
			c.Advance(48 * time.Hour) // there would be something to do
			wrong := right
			wrong.Sealer = tt.sealer(t)
			k := keyring.New(st, wrong, c.Now)
			if err := k.Tend(t.Context()); !errors.Is(err, tt.err) {
				t.Errorf("tend: got %v, want %v", err, tt.err)
			}
			if set, err := k.Read(t.Context()); !errors.Is(err, tt.err) || set != nil {
				t.Errorf("read: got %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(before, list(t, st)); diff != "" {
				t.Errorf("the keys changed (-before +after):\n%s", diff)
			}
			read(t, keyring.New(st, right, c.Now))
		})
	}
}

func TestAKeyThatHasComeOfAgeIsFollowed(t *testing.T) {
	const age, life = 30 * 24 * time.Hour, 10 * time.Minute
	c, st := newClock(), newStore(t)
	k := keyring.New(st, keyring.Policy{RotateAfter: age, TokenLife: life}, c.Now)
	start := c.Now()
	tend(t, k)
	first := signedBy(t, k, c)
	steps := []struct {
		at        time.Duration // after the start
		published int
		follows   bool // the first key has been followed
		why       string
	}{
		{age - token.PublishLead - time.Minute, 1, false, "it is young"},
		{age - token.PublishLead, 2, false, "the next one is published"},
		{age - time.Microsecond, 2, false, "but signs nothing yet"},
		{age, 2, true, "the next one signs"},
		{age + life, 2, true, "the last token of the first may be alive"},
		{age + life + time.Minute, 1, true, "and, for clocks that differ, a minute longer"},
	}
	for _, s := range steps {
		c.Advance(start.Add(s.at).Sub(c.Now()))
		tend(t, k)
		signs := signedBy(t, k, c)
		if published := bytes.Count(read(t, k).JWKS(c.Now()), []byte(`"kid"`)); published != s.published || (signs != first) != s.follows {
			t.Errorf("%s: got %d published, followed %t; want %d, %t", s.why, published, signs != first, s.published, s.follows)
		}
	}
}

func TestAnotherAlgorithmTakesOver(t *testing.T) {
	c, st := newClock(), newStore(t)
	tend(t, keyring.New(st, keyring.Policy{}, c.Now))
	k := keyring.New(st, keyring.Policy{Algorithm: token.EdDSA}, c.Now)
	tend(t, k)
	if got := read(t, k).Algorithms(c.Now()); !slices.Equal(got, []string{"ES256", "EdDSA"}) {
		t.Errorf("got %q, want both published", got)
	}
	c.Advance(token.PublishLead)
	tend(t, k)
	if got := ofUse(list(t, st), auth.KeySigns); string(signedBy(t, k, c)) != string(got[1].ID) || got[1].Algorithm != "EdDSA" {
		t.Errorf("%s signs, want the new one of %v", signedBy(t, k, c), got)
	}
}

func TestTendingWhatIsWellChangesNothing(t *testing.T) {
	c, st := newClock(), newStore(t)
	k := keyring.New(st, keyring.Policy{}, c.Now)
	tend(t, k)
	before, set := list(t, st), read(t, k)
	for range 5 {
		c.Advance(time.Minute)
		tend(t, k)
	}
	if diff := cmp.Diff(before, list(t, st)); diff != "" {
		t.Errorf("the keys changed (-before +after):\n%s", diff)
	}
	if read(t, k) != set {
		t.Error("keys that are the same were opened again")
	}
}

func TestAReadingIsFreshForHalfAMinuteOrUntilItIsStale(t *testing.T) {
	c, st := newClock(), newStore(t)
	here := keyring.New(st, keyring.Policy{}, c.Now)
	read(t, here)
	read(t, here) // the first one, which made the keys, was not kept
	first := signedBy(t, here, c)
	c.Advance(time.Second)
	next := takeover(t, st, c.Now())
	if got := signedBy(t, here, c); got != first {
		t.Errorf("at once: %s signs, want the %s that was read before", got, first)
	}
	c.Advance(29 * time.Second)
	if got := signedBy(t, here, c); got != next {
		t.Errorf("half a minute later: %s signs, want %s", got, next)
	}
	last := takeover(t, st, c.Now())
	here.Stale()
	if got := signedBy(t, here, c); got != last {
		t.Errorf("when told: %s signs, want %s", got, last)
	}
}

// takeover has another key sign at once, as an operator's command does.
func takeover(t *testing.T, st store.Store, now time.Time) auth.KeyID {
	t.Helper()
	k, err := token.NewSigningKey(now, now, token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	add(t, st, k)
	return k.ID
}

// TestAReadingThatWasUnderWayIsNotKeptAfterAChange: the store is read, changed, the
// change is told of, and only then does the reading come to its end.
func TestAReadingThatWasUnderWayIsNotKeptAfterAChange(t *testing.T) {
	c, st := newClock(), newStore(t)
	tend(t, keyring.New(st, keyring.Policy{}, c.Now))
	c.Advance(time.Second)
	slow := &slowStore{Store: st}
	here := keyring.New(slow, keyring.Policy{}, c.Now)
	var next auth.KeyID
	slow.meanwhile = func() {
		slow.meanwhile = nil
		next = takeover(t, st, c.Now())
		here.Stale()
		if got := signedBy(t, here, c); got != next { // another request
			t.Errorf("meanwhile: %s signs, want %s", got, next)
		}
	}
	read(t, here)
	if got := signedBy(t, here, c); got != next || next == "" {
		t.Errorf("afterwards: %s signs, want %s", got, next)
	}
}

// slowStore has something happen between a reading and what is made of it.
type slowStore struct {
	store.Store
	meanwhile func()
}

func (s *slowStore) View(ctx context.Context, fn func(store.Tx) error) error {
	err := s.Store.View(ctx, fn)
	if s.meanwhile != nil {
		s.meanwhile()
	}
	return err
}

// TestTheFirstSealingIsOfAllOrOfNone: half of it would look as if somebody had put
// the other half there.
func TestTheFirstSealingIsOfAllOrOfNone(t *testing.T) {
	c, st := newClock(), newStore(t)
	tend(t, keyring.New(st, keyring.Policy{}, c.Now))
	plain := list(t, st)
	full := &fullStore{Store: st, changes: 1}
	k := keyring.New(full, keyring.Policy{Sealer: newSealer(t, "s")}, c.Now)
	if err := k.Tend(t.Context()); !errors.Is(err, errFull) {
		t.Errorf("got %v, want the store's failure", err)
	}
	if diff := cmp.Diff(plain, list(t, st)); diff != "" {
		t.Errorf("the keys changed (-before +after):\n%s", diff)
	}
	full.changes = len(plain)
	tend(t, k)
	for _, key := range list(t, st) {
		if !key.Sealed {
			t.Errorf("key %s is not sealed", key.ID)
		}
	}
	read(t, k)
}

func TestAKeyThatCannotBeKeptIsNotUsed(t *testing.T) {
	c, st := newClock(), newStore(t)
	full := &fullStore{Store: st, room: 1}
	k := keyring.New(full, keyring.Policy{}, c.Now)
	if set, err := k.Read(t.Context()); !errors.Is(err, errFull) || set != nil {
		t.Errorf("got %v, want the store's failure", err)
	}
	if left := list(t, st); len(left) != 0 {
		t.Errorf("%d keys are left of what failed", len(left))
	}
	full.room = 10
	read(t, k)
}

var errFull = errors.New("no room for a key")

// fullStore has room for so many keys, and for changes of so many, in a transaction.
type fullStore struct {
	store.Store
	room, changes int
}

func (s *fullStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(&fullTx{tx, s.room, s.changes}) })
}

type fullTx struct {
	store.Tx
	room, changes int
}

func (tx *fullTx) AddKey(k auth.Key) error {
	if tx.room--; tx.room < 0 {
		return errFull
	}
	return tx.Tx.AddKey(k)
}

func (tx *fullTx) SetKey(k auth.Key) error {
	if tx.changes--; tx.changes < 0 {
		return errFull
	}
	return tx.Tx.SetKey(k)
}
