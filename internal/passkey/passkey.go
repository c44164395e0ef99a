// Package passkey runs WebAuthn ceremonies: it turns a user into the options
// that a browser wants, and a browser's answer into a verified passkey.
//
// It wraps go-webauthn and fixes this product's choices: discoverable
// credentials, user verification always, no attestation, the issuer's origin
// and nothing else. It stores nothing; the state of an open ceremony goes out as
// bytes and comes back as bytes, and the caller sees to it that each is used
// once and never leaves the server.
package passkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// Timeout is how long a ceremony may take, from its challenge to its answer.
const Timeout = 5 * time.Minute

var (
	// ErrRefused is the cause of every answer that does not hold: a wrong challenge,
	// origin or signature, no user verification, an unknown credential. What was
	// wrong is in the text, for the log; no page may tell.
	ErrRefused = errors.New("the passkey's answer was refused")
	// ErrIssuer is returned for an issuer that cannot be a relying party.
	ErrIssuer = errors.New("passkeys need an issuer with a host name, not an IP address")
)

// RelyingParty begins and ends ceremonies for one issuer. It is safe for
// concurrent use.
type RelyingParty struct {
	lib *webauthn.WebAuthn
}

// New makes the relying party of the issuer, whose host name is the RP ID.
// DisplayName is what the phone's own dialogs call it.
func New(issuer *url.URL, displayName string) (*RelyingParty, error) {
	if _, err := netip.ParseAddr(issuer.Hostname()); err == nil {
		return nil, fmt.Errorf("%w: %s", ErrIssuer, issuer.Host)
	}
	timeout := webauthn.TimeoutConfig{Enforce: true, Timeout: Timeout, TimeoutUVD: Timeout}
	lib, err := webauthn.New(&webauthn.Config{
		RPID:                  issuer.Hostname(),
		RPDisplayName:         displayName,
		RPOrigins:             []string{issuer.Scheme + "://" + issuer.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some password managers answer with extensions that nobody asked for.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the relying party of %s: %w", issuer, err)
	}
	return &RelyingParty{lib}, nil
}

// Owner is an account with all its passkeys.
type Owner struct {
	User     auth.User
	Passkeys []auth.Passkey
}

// Options is what a browser's navigator.credentials is called with, as JSON.
type Options = json.RawMessage

// begun encodes both halves of a ceremony.
func begun(options any, session *webauthn.SessionData) (Options, []byte, error) {
	opts, err := json.Marshal(options)
	if err != nil {
		return nil, nil, fmt.Errorf("encode ceremony options: %w", err)
	}
	state, err := json.Marshal(session)
	if err != nil {
		return nil, nil, fmt.Errorf("encode ceremony state: %w", err)
	}
	return opts, state, nil
}

func session(state []byte) (s webauthn.SessionData, err error) {
	if err := json.Unmarshal(state, &s); err != nil {
		return s, fmt.Errorf("decode ceremony state: %w", err)
	}
	return s, nil
}

func refused(err error) error {
	var detail *protocol.Error
	if errors.As(err, &detail) {
		return fmt.Errorf("%w: %s: %s: %s", ErrRefused, detail.Type, detail.Details, detail.DevInfo)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// owner shows an Owner to the library.
type owner struct{ Owner }

func (o owner) WebAuthnID() []byte          { return []byte(o.User.ID) }
func (o owner) WebAuthnName() string        { return o.User.Name }
func (o owner) WebAuthnDisplayName() string { return o.User.Name }
func (o owner) WebAuthnCredentials() []webauthn.Credential {
	list := make([]webauthn.Credential, len(o.Passkeys))
	for i, p := range o.Passkeys {
		list[i] = credential(p)
	}
	return list
}

func credential(p auth.Passkey) webauthn.Credential {
	flags := protocol.FlagUserPresent | protocol.FlagUserVerified
	if p.BackupEligible {
		flags |= protocol.FlagBackupEligible
	}
	if p.BackupState {
		flags |= protocol.FlagBackupState
	}
	c := webauthn.Credential{
		ID:            p.ID,
		PublicKey:     p.PublicKey,
		Flags:         webauthn.NewCredentialFlags(flags),
		Authenticator: webauthn.Authenticator{AAGUID: p.AAGUID, SignCount: p.SignCount},
	}
	for _, t := range p.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

func descriptors(passkeys []auth.Passkey) []protocol.CredentialDescriptor {
	list := make([]protocol.CredentialDescriptor, len(passkeys))
	for i, p := range passkeys {
		c := credential(p)
		list[i] = c.Descriptor()
	}
	return slices.Clip(list)
}
