// Package passkeytest is a phone's authenticator in software, for tests: it
// answers the ceremonies of package passkey with real keys and signatures, and
// can be told to answer them wrongly.
package passkeytest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"

	"github.com/descope/virtualwebauthn"
)

// Phone holds one passkey at most. Change its fields to have it misbehave.
type Phone struct {
	Origin string // as the browser reports it
	RPID   string
	// Type is the ceremony that the browser vouches for; empty is the right one.
	Type string
	// UserVerified, BackupEligible and BackupState are the flags of the next answer.
	UserVerified, BackupEligible, BackupState bool

	t       Test
	device  virtualwebauthn.Authenticator
	passkey virtualwebauthn.Credential
}

// Test is told of what the phone cannot answer: a testing.TB, or what stands for one.
type Test interface {
	Helper()
	Fatalf(format string, args ...any)
}

// NewPhone makes a well-behaved phone on a page of the issuer.
func NewPhone(t Test, issuer *url.URL) *Phone {
	return &Phone{
		Origin:         issuer.Scheme + "://" + issuer.Host,
		RPID:           issuer.Hostname(),
		UserVerified:   true,
		BackupEligible: true,
		t:              t,
		device:         virtualwebauthn.NewAuthenticator(),
	}
}

// Create answers navigator.credentials.create, given the options as JSON, and
// keeps the new passkey.
func (p *Phone) Create(options []byte) (answer []byte) {
	p.t.Helper()
	o, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		p.t.Fatalf("creation options: %v", err)
	}
	p.passkey = newPasskey()
	p.device.Options.UserHandle = []byte(o.UserID)
	return []byte(virtualwebauthn.CreateAttestationResponse(p.rp(), p.flags(), p.passkey, *o))
}

// newPasskey draws keys until one has coordinates of full length: the library
// leaves leading zeros out of what it attests, which is no valid COSE key.
func newPasskey() virtualwebauthn.Credential {
	for {
		c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(c.Key.AttestationData()) == fullAttestation {
			return c
		}
	}
}

// fullAttestation is the size of a COSE_Key of P-256 with 32-byte coordinates.
const fullAttestation = 77

// Get answers navigator.credentials.get, given the options as JSON.
func (p *Phone) Get(options []byte) (answer []byte) {
	p.t.Helper()
	o, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		p.t.Fatalf("request options: %v", err)
	}
	p.passkey.Counter++
	answer = []byte(virtualwebauthn.CreateAssertionResponse(p.rp(), p.flags(), p.passkey, *o))
	if p.Type != "" {
		answer = p.retype(answer)
	}
	return answer
}

// retype signs the answer anew, over client data of another type.
func (p *Phone) retype(answer []byte) []byte {
	p.t.Helper()
	var a, response map[string]any
	p.must(json.Unmarshal(answer, &a))
	response = a["response"].(map[string]any)
	bytesOf := func(member string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(response[member].(string))
		p.must(err)
		return b
	}
	client := bytes.Replace(bytesOf("clientDataJSON"), []byte("webauthn.get"), []byte(p.Type), 1)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytesOf("authenticatorData"), hash[:]...))
	signature, err := p.passkey.Key.Sign(digest[:])
	p.must(err)
	response["clientDataJSON"] = base64.RawURLEncoding.EncodeToString(client)
	response["signature"] = base64.RawURLEncoding.EncodeToString(signature)
	again, err := json.Marshal(a)
	p.must(err)
	return again
}

func (p *Phone) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v", err)
	}
}

// SetCounter makes the passkey's signature counter count on from n.
func (p *Phone) SetCounter(n uint32) { p.passkey.Counter = n }

// ForgetUserHandle makes the phone leave the user handle out of its answers, as
// authenticators may when they are told which credential to use.
func (p *Phone) ForgetUserHandle() { p.device.Options.UserHandle = nil }

func (p *Phone) rp() virtualwebauthn.RelyingParty {
	return virtualwebauthn.RelyingParty{ID: p.RPID, Name: p.RPID, Origin: p.Origin}
}

func (p *Phone) flags() virtualwebauthn.Authenticator {
	p.device.Options.UserNotVerified = !p.UserVerified
	p.device.Options.BackupEligible = p.BackupEligible
	p.device.Options.BackupState = p.BackupState
	return p.device
}
