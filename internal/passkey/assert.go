package passkey

import (
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// BeginAssertion opens a ceremony with a fresh challenge. With passkeys given,
// only those may answer; with none, any discoverable passkey of this relying
// party may, and its answer says whose it is.
func (rp *RelyingParty) BeginAssertion(allowed []auth.Passkey) (Options, []byte, error) {
	var opts []webauthn.LoginOption
	if len(allowed) > 0 {
		opts = append(opts, webauthn.WithAllowedCredentials(descriptors(allowed)))
	}
	assertion, s, err := rp.lib.BeginDiscoverableLogin(opts...)
	if err != nil {
		return nil, nil, fmt.Errorf("begin passkey assertion: %w", err)
	}
	return begun(assertion, s)
}

// FinishAssertion verifies the browser's answer (an AuthenticationResponseJSON).
// Find returns the owner of a credential ID, or an error when there is none. The
// passkey comes back with counter, backup state and last use as the answer
// leaves them, to be stored. Any answer that does not hold is ErrRefused,
// including an unknown credential's, so that no account is named by guessing,
// and including a counter that did not grow, the mark of a cloned authenticator
// (WebAuthn Level 3 section 6.1.1).
func (rp *RelyingParty) FinishAssertion(now time.Time, state, answer []byte, find func(credentialID []byte) (Owner, error)) (auth.Passkey, error) {
	s, err := session(state)
	if err != nil {
		return auth.Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return auth.Passkey{}, refused(err)
	}
	o, err := find(parsed.RawID)
	if err != nil {
		return auth.Passkey{}, refused(err)
	}
	if len(s.AllowedCredentialIDs) > 0 && len(parsed.Response.UserHandle) == 0 {
		// An authenticator may leave the user handle out when it was told which
		// credentials to use; the credential itself says whose it is.
		parsed.Response.UserHandle = []byte(o.User.ID)
	}
	_, c, err := rp.lib.ValidatePasskeyLogin(
		func(_, _ []byte) (webauthn.User, error) { return owner{o}, nil }, s, parsed)
	if err != nil {
		return auth.Passkey{}, refused(err)
	}
	if c.Authenticator.CloneWarning {
		return auth.Passkey{}, fmt.Errorf("%w: the signature counter did not grow", ErrRefused)
	}
	return used(now, o, c), nil
}

// used is the stored passkey as the verified answer leaves it.
func used(now time.Time, o Owner, c *webauthn.Credential) auth.Passkey {
	for _, p := range o.Passkeys {
		if string(p.ID) == string(c.ID) {
			p.SignCount = c.Authenticator.SignCount
			p.BackupState = c.Flags.BackupState
			p.LastUsedAt = now
			return p
		}
	}
	panic("passkey: a verified credential is not among its owner's") // FinishAssertion looked it up there
}
