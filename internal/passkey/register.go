package passkey

import (
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// BeginRegistration opens the creation of a passkey. Authenticators that hold
// one of the owner's passkeys already are excluded.
func (rp *RelyingParty) BeginRegistration(o Owner) (Options, []byte, error) {
	creation, s, err := rp.lib.BeginRegistration(owner{o},
		webauthn.WithExclusions(descriptors(o.Passkeys)),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return nil, nil, fmt.Errorf("begin passkey registration: %w", err)
	}
	return begun(creation, s)
}

// FinishRegistration verifies the browser's answer (a RegistrationResponseJSON)
// and returns the new passkey. Any answer that does not hold is ErrRefused.
func (rp *RelyingParty) FinishRegistration(now time.Time, o Owner, state, answer []byte) (auth.Passkey, error) {
	s, err := session(state)
	if err != nil {
		return auth.Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return auth.Passkey{}, refused(err)
	}
	c, err := rp.lib.CreateCredential(owner{o}, s, parsed)
	if err != nil {
		return auth.Passkey{}, refused(err)
	}
	flags := parsed.Response.AttestationObject.AuthData.Flags
	if flags.HasBackupState() && !flags.HasBackupEligible() {
		return auth.Passkey{}, fmt.Errorf("%w: backed up but not eligible for it", ErrRefused)
	}
	p := auth.Passkey{
		ID:             c.ID,
		UserID:         o.User.ID,
		PublicKey:      c.PublicKey,
		AAGUID:         c.Authenticator.AAGUID,
		SignCount:      c.Authenticator.SignCount,
		BackupEligible: flags.HasBackupEligible(),
		BackupState:    flags.HasBackupState(),
		CreatedAt:      now,
	}
	for _, t := range c.Transport {
		p.Transports = append(p.Transports, string(t))
	}
	return p, nil
}
