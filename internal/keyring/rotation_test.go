package keyring_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/keyring"
	"github.com/qrauthd/qrauthd/internal/token"
)

const issuer = "https://login.example"

// tokenLife is that of the tokens in these tests.
const tokenLife = 10 * time.Minute

func claims(now time.Time) token.AccessClaims {
	return token.AccessClaims{
		Issuer: issuer, Subject: "ada", ClientID: "app", ID: "1", Audience: []string{issuer},
		IssuedAt: now, ExpiresAt: now.Add(tokenLife),
	}
}

// signedBy names the key that signs at this time.
func signedBy(t *testing.T, k *keyring.Keyring, c *clock) auth.KeyID {
	t.Helper()
	tok, err := read(t, k).SignAccess(c.Now(), claims(c.Now()))
	if err != nil {
		t.Fatal(err)
	}
	id, err := kid(tok)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func parse(tok string) (*jose.JSONWebSignature, error) {
	return jose.ParseSignedCompact(tok, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
}

func kid(tok string) (auth.KeyID, error) {
	signed, err := parse(tok)
	if err != nil {
		return "", err
	}
	return auth.KeyID(signed.Signatures[0].Protected.KeyID), nil
}

// issued is a token that was handed out.
type issued struct {
	text    string
	expires time.Time
}

// verifier is a resource server: it keeps the JWK Set for as long as it may, whatever
// it does not find in it.
type verifier struct {
	source  *keyring.Keyring
	set     jose.JSONWebKeySet
	fetched time.Time
}

func (v *verifier) verify(ctx context.Context, now time.Time, tok issued) error {
	if now.Sub(v.fetched) >= token.JWKSMaxAge {
		set, err := v.source.Read(ctx)
		if err != nil {
			return err
		}
		v.set = jose.JSONWebKeySet{}
		if err := json.Unmarshal(set.JWKS(now), &v.set); err != nil {
			return err
		}
		v.fetched = now
	}
	signed, err := parse(tok.text)
	if err != nil {
		return err
	}
	id := signed.Signatures[0].Protected.KeyID
	if _, err := signed.Verify(&v.set); err != nil {
		return fmt.Errorf("key %s, with a set of %s ago: %w", id, now.Sub(v.fetched), err)
	}
	return nil
}

// TestARotationFailsNoVerification has servers sign, tend their keys, and publish
// them, and verifiers verify, all at once, while the clock moves over several
// rotations. All tokens are verified when they are new, and shortly before they end.
func TestARotationFailsNoVerification(t *testing.T) {
	const (
		step      = 20 * time.Second
		rotations = 4
		age       = 40 * time.Minute
	)
	c, path := newClock(), filepath.Join(t.TempDir(), "qrauthd.db")
	policy := keyring.Policy{RotateAfter: age, TokenLife: tokenLife, Sealer: newSealer(t, "s")}
	nodes := []*keyring.Keyring{
		keyring.New(openStore(t, path), policy, c.Now),
		keyring.New(openStore(t, path), policy, c.Now),
	}
	verifiers := make([]*verifier, 4)
	for i := range verifiers { // they fetch at different times
		verifiers[i] = &verifier{source: nodes[i%2], fetched: c.Now().Add(-token.JWKSMaxAge + time.Duration(i)*70*time.Second)}
		if err := verifiers[i].warm(t.Context(), c.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var alive []issued
	seen := make(map[auth.KeyID]bool)
	for n := 0; n < int(rotations*age/step) && !t.Failed(); n++ {
		fresh := round(t, c, nodes, verifiers, due(alive, c.Now(), 2*step), n)
		for _, tok := range fresh {
			id, err := kid(tok.text)
			if err != nil {
				t.Fatal(err)
			}
			seen[id] = true
		}
		// What was signed now is new to every verifier in the next round.
		now := c.Now()
		for _, tok := range fresh {
			for _, v := range verifiers {
				if err := v.verify(t.Context(), now, tok); err != nil {
					t.Errorf("a new token: %v", err)
				}
			}
		}
		alive = append(unended(alive, now), fresh...)
		c.Advance(step / 2)
	}
	if len(seen) < rotations {
		t.Errorf("%d keys have signed, want %d", len(seen), rotations)
	}
}

// warm fetches the set as of now, but leaves when the next fetching is due.
func (v *verifier) warm(ctx context.Context, now time.Time) error {
	set, err := v.source.Read(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal(set.JWKS(now), &v.set)
}

// due are the tokens that end soon, and have not ended.
func due(alive []issued, now time.Time, soon time.Duration) (list []issued) {
	for _, tok := range unended(alive, now) {
		if tok.expires.Sub(now) <= soon {
			list = append(list, tok)
		}
	}
	return list
}

func unended(alive []issued, now time.Time) (list []issued) {
	for _, tok := range alive {
		if now.Before(tok.expires) {
			list = append(list, tok)
		}
	}
	return list
}

// round has everybody work at once while the clock moves on by half a step.
func round(t *testing.T, c *clock, nodes []*keyring.Keyring, verifiers []*verifier, old []issued, n int) []issued {
	t.Helper()
	const step = 10 * time.Second
	now := c.Now()
	var all sync.WaitGroup
	var mu sync.Mutex
	var fresh []issued
	for i, k := range nodes {
		if n%3 == i { // each tends its keys once a minute
			all.Go(func() {
				if err := k.Tend(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			set, err := k.Read(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			at := c.Now()
			text, err := set.SignAccess(at, claims(at))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			fresh = append(fresh, issued{text, at.Add(tokenLife)})
			mu.Unlock()
		})
	}
	for _, v := range verifiers {
		all.Go(func() {
			for _, tok := range old {
				if err := v.verify(t.Context(), now, tok); err != nil {
					t.Errorf("a token that has %s left: %v", tok.expires.Sub(now), err)
				}
			}
		})
	}
	all.Go(func() { c.Advance(step) })
	all.Wait()
	return fresh
}
