package assertion_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
)

const (
	client   = "backend"
	issuer   = "https://login.example"
	endpoint = "https://login.example/token"
)

var now = time.Unix(1_800_000_000, 0)

// members are those of a header or of claims. A nil value takes a member out.
type members map[string]any

func (m members) with(changes members) string {
	m = maps.Clone(m)
	for name, value := range changes {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// forger makes assertions that are right but for what a test changes.
type forger struct {
	t              testing.TB
	key            *ecdsa.PrivateKey
	header, claims members
}

func newForger(t testing.TB) forger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return forger{
		t, key,
		members{"typ": "JWT", "alg": "ES256"},
		members{"iss": client, "sub": client, "aud": issuer, "jti": "1", "exp": now.Unix() + 60, "iat": now.Unix()},
	}
}

func (f forger) assertion(header, claims members) string {
	f.t.Helper()
	return jwstest.Sign(f.t, "ES256", f.key, f.header.with(header), f.claims.with(claims))
}

// expect is what the forger's client is registered with.
func (f forger) expect() assertion.Expect {
	f.t.Helper()
	return assertion.Expect{ClientID: client, Audiences: []string{issuer, endpoint}, Keys: keySet(f.t, jwstest.JWK(f.t, f.key))}
}

// keySet is what an operator's JWKs are stored as.
func keySet(t testing.TB, jwks ...string) []byte {
	t.Helper()
	set, err := assertion.ParseKeys([]byte(`{"keys":[` + strings.Join(jwks, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// named gives a JWK a kid.
func named(t testing.TB, kid string, key crypto.Signer) string {
	t.Helper()
	return strings.Replace(jwstest.JWK(t, key), "{", `{"kid":"`+kid+`",`, 1)
}

func TestWhatIsNoFaultIsTaken(t *testing.T) {
	f := newForger(t)
	tests := []struct {
		name      string
		assertion string
	}{
		{"the good one", f.assertion(nil, nil)},
		{"no typ", f.assertion(members{"typ": nil}, nil)},
		{"typ in another case", f.assertion(members{"typ": "jwt"}, nil)},
		{"its own typ", f.assertion(members{"typ": "client-authentication+jwt"}, nil)},
		{"an unknown header parameter and claim", f.assertion(members{"x": 1}, members{"x": 1})},
		{"the token endpoint as audience", f.assertion(nil, members{"aud": endpoint})},
		{"several audiences, all of them names of this server", f.assertion(nil, members{"aud": []string{endpoint, issuer}})},
		{"its audience in a list", f.assertion(nil, members{"aud": []string{issuer}})},
		{"an exp of an hour", f.assertion(nil, members{"exp": now.Unix() + 3600})},
		{"an exp that passed within the skew", f.assertion(nil, members{"exp": now.Unix() - 59})},
		{"an exp with a fraction", f.assertion(nil, members{"exp": float64(now.Unix()) + 0.5})},
		{"no iat", f.assertion(nil, members{"iat": nil})},
		{"an iat within the skew", f.assertion(nil, members{"iat": now.Unix() + 60})},
		{"an iat an hour ago", f.assertion(nil, members{"iat": now.Unix() - 3600})},
		{"an nbf within the skew", f.assertion(nil, members{"nbf": now.Unix() + 60})},
		{"a jti of 256 bytes", f.assertion(nil, members{"jti": strings.Repeat("x", 256)})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := assertion.Verify(now, tt.assertion, f.expect()); err != nil {
				t.Errorf("got %v", err)
			}
			if got, err := assertion.Subject(tt.assertion); err != nil || got != client {
				t.Errorf("the subject: got %q, %v; want %s", got, err, client)
			}
		})
	}
}

// TestEveryFaultIsRefused goes through RFC 7523 section 3.
func TestEveryFaultIsRefused(t *testing.T) {
	f, other := newForger(t), newForger(t)
	good := f.assertion(nil, nil)
	parts := strings.Split(good, ".")
	publicKey := []byte(jwstest.JWK(t, f.key))
	tests := []struct {
		name, assertion string
		reason          string // in the error's text
	}{
		{"nothing", "", "compact"},
		{"no JWT", "assertion", "compact"},
		{"two of them", good + "," + good, "compact"},
		{"the JSON serialization", `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`, "compact"},
		{"one of more than 16 KiB", f.assertion(nil, members{"x": strings.Repeat("x", 16<<10)}), "too long"},
		{"a payload that is no JSON", jwstest.Sign(t, "ES256", f.key, f.header.with(nil), "sub"), "compact"},
		{"a claim twice", jwstest.Sign(t, "ES256", f.key, f.header.with(nil), strings.Replace(f.claims.with(nil), "{", `{"sub":"`+client+`",`, 1)), "compact"},
		// 1. The issuer is the client.
		{"no iss", f.assertion(nil, members{"iss": nil}), "iss"},
		{"another's iss", f.assertion(nil, members{"iss": "another"}), "iss"},
		{"an iss in another case", f.assertion(nil, members{"iss": "Backend"}), "iss"},
		// 2. The subject is the client.
		{"no sub", f.assertion(nil, members{"sub": nil}), "sub"},
		{"another's sub", f.assertion(nil, members{"sub": "another"}), "sub"},
		{"a sub that is no string", f.assertion(nil, members{"sub": 1}), "compact"},
		// 3. The audience is this server.
		{"no aud", f.assertion(nil, members{"aud": nil}), "aud"},
		{"aud null", f.assertion(nil, members{"aud": json.RawMessage("null")}), "aud"},
		{"no audience in the list", f.assertion(nil, members{"aud": []string{}}), "aud"},
		{"another server's audience", f.assertion(nil, members{"aud": "https://other.example"}), "aud"},
		{"this server's audience and another's", f.assertion(nil, members{"aud": []string{issuer, "https://other.example"}}), "aud"},
		{"another's audience and this server's", f.assertion(nil, members{"aud": []string{"https://other.example", issuer}}), "aud"},
		{"this server's audience and an empty one", f.assertion(nil, members{"aud": []string{issuer, ""}}), "aud"},
		{"this server's audience and null", f.assertion(nil, members{"aud": []any{issuer, nil}}), "aud"},
		{"an audience that begins the same", f.assertion(nil, members{"aud": issuer + "/"}), "aud"},
		{"an audience that is a number", f.assertion(nil, members{"aud": 1}), "compact"},
		{"an audience among which is a number", f.assertion(nil, members{"aud": []any{issuer, 1}}), "compact"},
		// 4. The expiration has not passed, and is not far ahead.
		{"no exp", f.assertion(nil, members{"exp": nil}), "no exp"},
		{"exp null", f.assertion(nil, members{"exp": json.RawMessage("null")}), "no exp"},
		{"an exp that passed", f.assertion(nil, members{"exp": now.Unix() - 60}), "exp has passed"},
		{"an exp in more than an hour", f.assertion(nil, members{"exp": now.Unix() + 3601}), "hour ahead"},
		{"an exp that is a string", f.assertion(nil, members{"exp": "1800000060"}), "compact"},
		{"an exp in milliseconds", f.assertion(nil, members{"exp": now.UnixMilli() + 60000}), "compact"},
		// 5. and 6. Nor is it from the future or of long ago.
		{"an nbf ahead", f.assertion(nil, members{"nbf": now.Unix() + 61}), "nbf"},
		{"an iat ahead", f.assertion(nil, members{"iat": now.Unix() + 61}), "iat is in the future"},
		{"an iat of more than an hour ago", f.assertion(nil, members{"iat": now.Unix() - 3601}), "hour ago"},
		// 7. The jti is what a replay is known by.
		{"no jti", f.assertion(nil, members{"jti": nil}), "jti"},
		{"an empty jti", f.assertion(nil, members{"jti": ""}), "jti"},
		{"a jti of 257 bytes", f.assertion(nil, members{"jti": strings.Repeat("x", 257)}), "jti"},
		// 9. It is signed, by a key of the client.
		{"alg none", jwstest.Sign(t, "none", nil, f.header.with(members{"alg": "none"}), f.claims.with(nil)), "compact"},
		{"alg none over a signature", f.assertion(members{"alg": "none"}, nil), "alg"},
		{"a MAC by the public key", jwstest.Sign(t, "HS256", publicKey, f.header.with(members{"alg": "HS256"}), f.claims.with(nil)), "alg"},
		{"a MAC by the stored keys", jwstest.Sign(t, "HS256", f.expect().Keys, f.header.with(members{"alg": "HS256"}), f.claims.with(nil)), "alg"},
		{"an alg of another curve", f.assertion(members{"alg": "ES384"}, nil), "kid and alg"},
		{"an alg of another kind of key", f.assertion(members{"alg": "RS256"}, nil), "kid and alg"},
		{"another's key", other.assertion(nil, nil), "signature"},
		{"another's key in the header", other.assertion(members{"jwk": json.RawMessage(jwstest.JWK(t, other.key))}, nil), "signature"},
		{"a link to another's keys", other.assertion(members{"jku": "https://evil.example/jwks"}, nil), "signature"},
		{"claims that were changed", parts[0] + "." + jwstest.Encode(f.claims.with(members{"jti": "2"})) + "." + parts[2], "signature"},
		{"an extension", f.assertion(members{"crit": []string{"x"}, "x": 1}, nil), "extension"},
		// 10. It is meant as one (RFC 8725 section 3.11).
		{"a DPoP proof", f.assertion(members{"typ": "dpop+jwt"}, nil), "typ"},
		{"an access token", f.assertion(members{"typ": "at+jwt"}, nil), "typ"},
	}
	// What RFC 6749 section 5.2 allows in an error_description.
	describable := regexp.MustCompile(`^[\x20\x21\x23-\x5B\x5D-\x7E]+$`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := assertion.Verify(now, tt.assertion, f.expect())
			if !errors.Is(err, assertion.ErrAssertion) || got != (assertion.Assertion{}) {
				t.Fatalf("got %+v, %v; want no assertion and ErrAssertion", got, err)
			}
			if !strings.Contains(err.Error(), tt.reason) || !describable.MatchString(err.Error()) {
				t.Errorf("got %q, want a description with %q", err, tt.reason)
			}
		})
	}
}

func TestNothingMatchesWhatIsNotExpected(t *testing.T) {
	f := newForger(t)
	good := f.assertion(nil, nil)
	tests := []struct {
		name, assertion string
		change          func(*assertion.Expect)
	}{
		{"no client", f.assertion(nil, members{"iss": "", "sub": ""}), func(e *assertion.Expect) { e.ClientID = "" }},
		{"no audience", good, func(e *assertion.Expect) { e.Audiences = nil }},
		{"an empty audience", f.assertion(nil, members{"aud": ""}), func(e *assertion.Expect) { e.Audiences = []string{""} }},
		{"no keys", good, func(e *assertion.Expect) { e.Keys = nil }},
		{"an empty set", good, func(e *assertion.Expect) { e.Keys = []byte(`{"keys":[]}`) }},
		{"broken keys", good, func(e *assertion.Expect) { e.Keys = []byte(`{`) }},
		{"a symmetric key", good, func(e *assertion.Expect) { e.Keys = []byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := f.expect()
			tt.change(&want)
			if _, err := assertion.Verify(now, tt.assertion, want); !errors.Is(err, assertion.ErrAssertion) {
				t.Errorf("got %v, want ErrAssertion", err)
			}
		})
	}
}

func TestTheKidChoosesTheKey(t *testing.T) {
	f, second := newForger(t), newForger(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edSigned := jwstest.Sign(t, "EdDSA", ed, f.header.with(members{"alg": "EdDSA"}), f.claims.with(nil))
	both := keySet(t, named(t, "first", f.key), named(t, "second", second.key), named(t, "ed", ed))
	unnamed := keySet(t, jwstest.JWK(t, second.key), jwstest.JWK(t, f.key))
	oneName := keySet(t, named(t, "key", second.key), named(t, "key", ed), named(t, "key", f.key))
	tests := []struct {
		name, assertion string
		keys            []byte
		ok              bool
	}{
		{"no kid: each key of the alg is tried", second.assertion(nil, nil), both, true},
		{"no kid: the key of another kind", edSigned, both, true},
		{"the kid of its key", second.assertion(members{"kid": "second"}, nil), both, true},
		{"the kid of another key", second.assertion(members{"kid": "first"}, nil), both, false},
		{"the kid of a key of another kind", second.assertion(members{"kid": "ed"}, nil), both, false},
		{"a kid that no key has", second.assertion(members{"kid": "third"}, nil), both, false},
		{"a kid in another case", second.assertion(members{"kid": "Second"}, nil), both, false},
		{"a kid for keys without names", f.assertion(members{"kid": "first"}, nil), unnamed, true},
		{"no kid for keys without names", f.assertion(nil, nil), unnamed, true},
		{"a kid that several keys have", f.assertion(members{"kid": "key"}, nil), oneName, true},
		{"a key that is not in the set", newForger(t).assertion(nil, nil), both, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := f.expect()
			want.Keys = tt.keys
			if _, err := assertion.Verify(now, tt.assertion, want); (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestAReplayIsKnownByItsKey(t *testing.T) {
	f := newForger(t)
	verify := func(clientID string, claims members) assertion.Assertion {
		t.Helper()
		want := f.expect()
		want.ClientID = clientID
		claims["iss"], claims["sub"] = clientID, clientID
		a, err := assertion.Verify(now, f.assertion(nil, claims), want)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := verify(client, members{}).ReplayKey()
	if got := verify(client, members{"exp": now.Unix() + 61, "aud": endpoint}).ReplayKey(); got != first {
		t.Error("the jti in a new assertion has another replay key")
	}
	for name, another := range map[string]assertion.Assertion{
		"another jti":                       verify(client, members{"jti": "2"}),
		"another client's":                  verify("another", members{}),
		"a client whose name ends in a jti": verify(client+" 1", members{"jti": "1"}),
	} {
		if got := another.ReplayKey(); got == first || got.IsZero() {
			t.Errorf("%s: got the same replay key or none: %s", name, got)
		}
	}
}

func TestAnAssertionIsRememberedUntilItIsRefused(t *testing.T) {
	f := newForger(t)
	for _, ahead := range []float64{-59, 0, 0.75, 3600} {
		text := f.assertion(nil, members{"exp": float64(now.Unix()) + ahead, "iat": nil})
		a, err := assertion.Verify(now, text, f.expect())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := assertion.Verify(a.Expires(), text, f.expect()); !errors.Is(err, assertion.ErrAssertion) {
			t.Errorf("exp %+.2f s ahead: it is taken again at %s: %v", ahead, a.Expires(), err)
		}
		if left := a.Expires().Sub(now); left > assertion.MaxLife+assertion.Skew+time.Second || a.Expires().Nanosecond() != 0 {
			t.Errorf("exp %+.2f s ahead: remembered for %s, until %s", ahead, left, a.Expires())
		}
	}
}

func TestSubjectTakesWhatIsNotVerified(t *testing.T) {
	f := newForger(t)
	tests := []struct {
		name, assertion, want string
	}{
		{"an expired one", f.assertion(nil, members{"exp": 1}), client},
		{"one with a foreign signature", f.assertion(members{"kid": "x"}, members{"sub": "another"}), "another"},
		{"one without sub", f.assertion(nil, members{"sub": nil}), ""},
		{"one with an empty sub", f.assertion(nil, members{"sub": ""}), ""},
		{"one that is not signed", jwstest.Sign(t, "none", nil, `{"alg":"none"}`, f.claims.with(nil)), ""},
		{"a DPoP proof", f.assertion(members{"typ": "dpop+jwt"}, nil), ""},
		{"no JWT", "assertion", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := assertion.Subject(tt.assertion)
			if got != tt.want || errors.Is(err, assertion.ErrAssertion) != (tt.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestTheAlgorithmsOfTheMetadataAreAsymmetric(t *testing.T) {
	for _, alg := range assertion.Algorithms() {
		if alg == "none" || strings.HasPrefix(alg, "HS") {
			t.Errorf("%s is taken", alg)
		}
	}
	if len(assertion.Algorithms()) == 0 {
		t.Error("there is none")
	}
}
