package assertion_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/assertion"
	"github.com/qrauthd/qrauthd/internal/jws/jwstest"
)

// parsed is a JWK Set as ParseKeys returns it.
type parsed struct {
	Keys []map[string]string `json:"keys"`
}

func read(t testing.TB, set []byte) parsed {
	t.Helper()
	var p parsed
	if err := json.Unmarshal(set, &p); err != nil {
		t.Fatalf("%s: %v", set, err)
	}
	return p
}

func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func pkix(t testing.TB, key any) []byte {
	t.Helper()
	b, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeysOfEveryFormAreTaken(t *testing.T) {
	f := newForger(t)
	jwk := jwstest.JWK(t, f.key)
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecPEM, edPEM := block("PUBLIC KEY", pkix(t, f.key.Public())), block("PUBLIC KEY", pkix(t, edPublic))
	with := func(members string) string { return strings.Replace(jwk, "{", "{"+members+",", 1) }
	tests := []struct {
		name, text string
		kinds      string // of the keys
	}{
		{"a JWK Set", `{"keys":[` + jwk + `,` + jwstest.JWK(t, ed) + `]}`, "EC OKP"},
		{"a JWK Set with more in it", ` {"keys":[` + jwk + `],"x":1}` + "\n", "EC"},
		{"a JWK", jwk, "EC"},
		{"a JWK with more in it", with(`"kid":"1","alg":"ES256","use":"sig","key_ops":["verify"],"note":1`), "EC"},
		{"a set with a key for encryption too", `{"keys":[` + with(`"use":"enc","alg":"ECDH-ES"`) + `,` + jwk + `]}`, "EC"},
		{"PEM", ecPEM, "EC"},
		{"several in PEM", ecPEM + "\n" + edPEM, "EC OKP"},
		{"PEM with words around it", "the key of our backend\n" + ecPEM + "until 2030\n", "EC"},
		{"PEM of Windows", strings.ReplaceAll(ecPEM, "\n", "\r\n"), "EC"},
		{"RSA in PEM", block("PUBLIC KEY", pkix(t, rsaKey.Public())), "RSA"},
		{"RSA in the older PEM", block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)), "RSA"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := assertion.ParseKeys([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, k := range read(t, set).Keys {
				kinds = append(kinds, k["kty"])
				if k["use"] != "sig" || k["x5c"] != "" || k["key_ops"] != "" {
					t.Errorf("got %v, want a key for signatures and nothing else", k)
				}
			}
			if got := strings.Join(kinds, " "); got != tt.kinds {
				t.Errorf("got %s, want %s", got, tt.kinds)
			}
			if again, err := assertion.ParseKeys(set); err != nil || !bytes.Equal(again, set) {
				t.Errorf("it reads back as %s, %v; want %s", again, err, set)
			}
		})
	}
}

func TestAKeyFromPEMVerifies(t *testing.T) {
	f := newForger(t)
	want := f.expect()
	var err error
	if want.Keys, err = assertion.ParseKeys([]byte(block("PUBLIC KEY", pkix(t, f.key.Public())))); err != nil {
		t.Fatal(err)
	}
	if _, err := assertion.Verify(now, f.assertion(members{"kid": "whatever"}, nil), want); err != nil {
		t.Error(err)
	}
}

func TestAKeyKeepsItsNameAndAlgorithm(t *testing.T) {
	f := newForger(t)
	set := keySet(t, strings.Replace(jwstest.JWK(t, f.key), "{", `{"kid":"2026","alg":"ES256",`, 1), jwstest.JWK(t, newForger(t).key))
	keys := read(t, set).Keys
	if keys[0]["kid"] != "2026" || keys[0]["alg"] != "ES256" || keys[1]["kid"] != "" {
		t.Errorf("got %s", set)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	f := newForger(t)
	jwk := jwstest.JWK(t, f.key)
	with := func(members string) string { return strings.Replace(jwk, "{", "{"+members+",", 1) }
	set := func(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }
	public := block("PUBLIC KEY", pkix(t, f.key.Public()))
	pkcs8, err := x509.MarshalPKCS8PrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text string
		reason     string // in the error's text
	}{
		{"nothing", "", "there is none"},
		{"white space", " \n", "there is none"},
		{"words", "hunter2", "there is none"},
		{"a set without keys", set(), "there is none"},
		{"a set with a key for encryption alone", set(with(`"use":"enc"`)), "there is none"},
		{"an object that is neither", `{"hunter2":1}`, "there is none"},
		{"seventeen keys", set(strings.Split(strings.TrimSuffix(strings.Repeat(jwk+"\n", 17), "\n"), "\n")...), "more than 16"},
		{"a text that is too long", jwk + strings.Repeat(" ", 64<<10), "too long"},
		{"a private JWK", with(`"d":"hunter2"`), "private"},
		{"a private JWK in a set", set(jwk, with(`"d":"hunter2"`)), "key 2: the key is a private"},
		{"a private JWK for encryption", set(jwk, with(`"use":"enc","d":"hunter2"`)), "private"},
		{"a symmetric JWK", `{"kty":"oct","k":"hunter2"}`, "symmetric"},
		{"a private key in PKCS #8", block("PRIVATE KEY", pkcs8), "private"},
		{"a private key of OpenSSL", block("EC PRIVATE KEY", sec1), "private"},
		{"an encrypted private key", block("ENCRYPTED PRIVATE KEY", pkcs8), "private"},
		{"a private key of OpenSSH", block("OPENSSH PRIVATE KEY", []byte("hunter2")), "private"},
		{"a private key after its public one", public + block("PRIVATE KEY", pkcs8), "private"},
		{"a private key that says that it is public", block("PUBLIC KEY", pkcs8), "supported kind"},
		{"a certificate", block("CERTIFICATE", []byte("hunter2")), "PUBLIC KEY"},
		{"a PEM block that is cut", public[:len(public)-20], "cannot be read"},
		{"a PEM block that is cut before a whole one", public[:len(public)-20] + "\n" + public, "cannot be read"},
		{"a PEM block of nothing", block("PUBLIC KEY", nil), "supported kind"},
		{"a curve that no algorithm has", block("PUBLIC KEY", pkix(t, p224.Public())), "supported kind"},
		{"an RSA key of 1024 bits", `{"kty":"RSA","e":"AQAB","n":"` + jwstest.Encode("\x80"+strings.Repeat("\x01", 127)) + `"}`, "2048"},
		{"an alg of another curve", with(`"alg":"ES384"`), "supported kind"},
		{"a symmetric alg", with(`"alg":"HS256"`), "supported kind"},
		{"alg none", with(`"alg":"none"`), "supported kind"},
		{"a kind that is unknown", `{"kty":"hunter2"}`, "supported kind"},
		{"a member twice", with(`"kty":"EC"`), "JSON"},
		{"the keys twice", `{"keys":[],"keys":[` + jwk + `]}`, "JSON"},
		{"a set and a key at once", `{"kty":"EC","keys":[` + jwk + `]}`, "at once"},
		{"keys that are no list", `{"keys":{"hunter2":1}}`, "JSON"},
		{"a key that is no object", `{"keys":["hunter2"]}`, "supported kind"},
		{"broken JSON", `{"keys":[`, "JSON"},
		{"a kid of 257 bytes", with(`"kid":"` + strings.Repeat("x", 257) + `"`), "kid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := assertion.ParseKeys([]byte(tt.text))
			if !errors.Is(err, assertion.ErrKeys) || got != nil {
				t.Fatalf("got %s, %v; want ErrKeys", got, err)
			}
			if !strings.Contains(err.Error(), tt.reason) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %q, want a reason with %q that quotes nothing", err, tt.reason)
			}
		})
	}
}
