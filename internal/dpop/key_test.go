package dpop_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/dpop"
)

func TestAKeyReadsBack(t *testing.T) {
	key := newKey(t)
	b, err := key.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := dpop.ParseKey(b)
	if err != nil || again.Thumbprint() != key.Thumbprint() || again.IsZero() {
		t.Fatalf("got %s, %v; want %s", again.Thumbprint(), err, key.Thumbprint())
	}
	proof, err := again.Prove(now, dpop.Request{Method: atToken.Method, URL: atToken.URL})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := dpop.Verify(now, []string{proof}, atToken); err != nil || got.Thumbprint != key.Thumbprint() {
		t.Errorf("its proof is of %s, %v; want %s", got.Thumbprint, err, key.Thumbprint())
	}
	if other := newKey(t); other.Thumbprint() == key.Thumbprint() {
		t.Error("two keys are the same")
	}
}

func TestOnlyWhatMarshalWroteIsAKey(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8 := func(key any) []byte {
		b, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := pkcs8(private(t, newKey(t)))
	for name, b := range map[string][]byte{
		"nothing": nil, "a P-384 key": pkcs8(p384), "an Ed25519 key": pkcs8(ed),
		"one that is cut": good[:len(good)-1],
	} {
		if key, err := dpop.ParseKey(b); err == nil || !key.IsZero() {
			t.Errorf("%s: got %v, want an error and no key", name, err)
		}
	}
}

func TestNoKeyProvesNothing(t *testing.T) {
	var none dpop.Key
	if !none.IsZero() || none.Thumbprint() != "" {
		t.Errorf("got thumbprint %q, want none", none.Thumbprint())
	}
	if b, err := none.Marshal(); err == nil {
		t.Errorf("marshalled as %x", b)
	}
	if proof, err := none.Prove(now, dpop.Request{Method: "GET", URL: "https://api.example/"}); err == nil {
		t.Errorf("proved %s", proof)
	}
}

func TestAProofNeedsAMethodAndAnAddress(t *testing.T) {
	key := newKey(t)
	for name, r := range map[string]dpop.Request{
		"no method":              {URL: "https://api.example/"},
		"no URL":                 {Method: "GET"},
		"a relative URL":         {Method: "GET", URL: "/me"},
		"a user's URL":           {Method: "GET", URL: "https://user:hunter2@api.example/"},
		"a URL with a zone":      {Method: "GET", URL: "https://[fe80::1%25eth0]/"},
		"a host not in Punycode": {Method: "GET", URL: "https://ex\u00e4mple/"},
		"a URL of a file":        {Method: "GET", URL: "file:///etc/passwd"},
		"a broken URL":           {Method: "GET", URL: "https://api.example/%zz?hunter2"},
	} {
		proof, err := key.Prove(now, r)
		if err == nil {
			t.Errorf("%s: proved %s", name, proof)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the URL: %v", name, err)
		}
	}
}

func TestAKeyRedactsItself(t *testing.T) {
	key := newKey(t)
	holder := struct{ Key dpop.Key }{key}
	hidden := struct{ key dpop.Key }{key}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "holder", holder, "hidden", hidden)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "holder", holder, "hidden", hidden)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	d, err := private(t, key).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for how, text := range map[string]string{
		"%v": fmt.Sprintf("%v", key), "%+v": fmt.Sprintf("%+v", holder), "%#v": fmt.Sprintf("%#v", key), "%x": fmt.Sprintf("%x", key),
		"hidden": fmt.Sprintf("%+v %#v", hidden, hidden),
		"String": key.String(), "slog": log.String(), "JSON": string(encoded),
	} {
		for _, form := range []string{
			hex.EncodeToString(d), base64.RawURLEncoding.EncodeToString(d), base64.StdEncoding.EncodeToString(d),
			new(big.Int).SetBytes(d).String(), strings.Trim(fmt.Sprint(d), "[]"),
		} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows it: %s", how, text)
			}
		}
	}
	if got := key.String(); got != "[redacted]" {
		t.Errorf("got %q, want [redacted]", got)
	}
}
