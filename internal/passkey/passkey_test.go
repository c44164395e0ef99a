package passkey_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/passkey/passkeytest"
)

var (
	issuer = &url.URL{Scheme: "https", Host: "login.acme.example"}
	now    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ada    = auth.User{ID: "user-handle-of-ada", Name: "Ada"}
)

func relyingParty(t *testing.T) *passkey.RelyingParty {
	t.Helper()
	rp, err := passkey.New(issuer, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

// registered is a phone with a passkey of Ada's, and the passkey as it is stored.
func registered(t *testing.T, rp *passkey.RelyingParty) (*passkeytest.Phone, auth.Passkey) {
	t.Helper()
	phone := passkeytest.NewPhone(t, issuer)
	options, state, err := rp.BeginRegistration(passkey.Owner{User: ada})
	if err != nil {
		t.Fatal(err)
	}
	p, err := rp.FinishRegistration(now, passkey.Owner{User: ada}, state, phone.Create(options))
	if err != nil {
		t.Fatal(err)
	}
	return phone, p
}

func owning(p auth.Passkey) func([]byte) (passkey.Owner, error) {
	return func(id []byte) (passkey.Owner, error) {
		if string(id) != string(p.ID) {
			return passkey.Owner{}, errors.New("no such credential")
		}
		return passkey.Owner{User: ada, Passkeys: []auth.Passkey{p}}, nil
	}
}

func TestAnIssuerAtAnIPAddressIsRefused(t *testing.T) {
	for _, host := range []string{"192.0.2.1", "[2001:db8::1]:8080"} {
		if _, err := passkey.New(&url.URL{Scheme: "https", Host: host}, "x"); !errors.Is(err, passkey.ErrIssuer) {
			t.Errorf("%s: got %v, want ErrIssuer", host, err)
		}
	}
}

func TestRegistrationOptions(t *testing.T) {
	rp := relyingParty(t)
	_, have := registered(t, rp)
	options, _, err := rp.BeginRegistration(passkey.Owner{User: ada, Passkeys: []auth.Passkey{have}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		PublicKey struct {
			Attestation            string
			AuthenticatorSelection struct {
				ResidentKey        string
				RequireResidentKey bool
				UserVerification   string
			}
			ExcludeCredentials []struct{ ID string }
			RP                 struct{ ID string }
		}
	}
	if err := json.Unmarshal(options, &got); err != nil {
		t.Fatal(err)
	}
	pk := got.PublicKey
	if pk.Attestation != "none" && pk.Attestation != "" {
		t.Errorf("attestation: got %q, want none", pk.Attestation)
	}
	if s := pk.AuthenticatorSelection; s.ResidentKey != "required" || !s.RequireResidentKey || s.UserVerification != "required" {
		t.Errorf("authenticator selection: got %+v, want resident key and user verification required", s)
	}
	if len(pk.ExcludeCredentials) != 1 {
		t.Errorf("excludeCredentials: got %d, want the one that Ada has", len(pk.ExcludeCredentials))
	}
	if pk.RP.ID != "login.acme.example" {
		t.Errorf("RP ID: got %q, want the issuer's host", pk.RP.ID)
	}
}

func TestRegistrationIsRefused(t *testing.T) {
	tests := []struct {
		name string
		make func(*passkeytest.Phone)
	}{
		{"without user verification", func(p *passkeytest.Phone) { p.UserVerified = false }},
		{"from another origin", func(p *passkeytest.Phone) { p.Origin = "https://evil.example" }},
		{"for another relying party", func(p *passkeytest.Phone) { p.RPID = "evil.example" }},
		{"backed up but not eligible for it", func(p *passkeytest.Phone) { p.BackupEligible, p.BackupState = false, true }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rp, phone := relyingParty(t), passkeytest.NewPhone(t, issuer)
			tt.make(phone)
			options, state, err := rp.BeginRegistration(passkey.Owner{User: ada})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rp.FinishRegistration(now, passkey.Owner{User: ada}, state, phone.Create(options)); !errors.Is(err, passkey.ErrRefused) {
				t.Errorf("got %v, want ErrRefused", err)
			}
		})
	}
}

func TestAssertion(t *testing.T) {
	tests := []struct {
		name string
		make func(*passkeytest.Phone)
		err  error
	}{
		{"a verified answer is accepted", func(*passkeytest.Phone) {}, nil},
		{"a change of the backup state is accepted", func(p *passkeytest.Phone) { p.BackupState = true }, nil},
		{"without user verification it is refused", func(p *passkeytest.Phone) { p.UserVerified = false }, passkey.ErrRefused},
		{"from another origin it is refused", func(p *passkeytest.Phone) { p.Origin = "https://evil.example" }, passkey.ErrRefused},
		{"for another relying party it is refused", func(p *passkeytest.Phone) { p.RPID = "evil.example" }, passkey.ErrRefused},
		{"a change of the backup eligibility is refused", func(p *passkeytest.Phone) { p.BackupEligible = false }, passkey.ErrRefused},
		{"a backup state without eligibility is refused", func(p *passkeytest.Phone) { p.BackupEligible, p.BackupState = false, true }, passkey.ErrRefused},
		{"a counter that went back is refused", func(p *passkeytest.Phone) { p.SetCounter(3) }, passkey.ErrRefused},
		{"an unknown credential is refused", func(p *passkeytest.Phone) { unknown(p) }, passkey.ErrRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rp := relyingParty(t)
			phone, stored := registered(t, rp)
			stored.SignCount = 5
			phone.SetCounter(5)
			tt.make(phone)
			options, state, err := rp.BeginAssertion(nil)
			if err != nil {
				t.Fatal(err)
			}
			used, err := rp.FinishAssertion(now, state, phone.Get(options), owning(stored))
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err == nil && (used.SignCount != 6 || used.BackupState != phone.BackupState || !used.LastUsedAt.Equal(now)) {
				t.Errorf("to be stored: got counter %d, backup state %t, last use %s; want 6, %t, %s",
					used.SignCount, used.BackupState, used.LastUsedAt, phone.BackupState, now)
			}
		})
	}
}

// unknown gives the phone a passkey that the server has never seen.
func unknown(p *passkeytest.Phone) {
	p.Create([]byte(`{"publicKey":{"challenge":"AAAAAAAAAAAAAAAAAAAAAA","user":{"id":"YWRh"},"rp":{"id":"x"}}}`))
}

func TestAnAnswerToAnotherChallengeIsRefused(t *testing.T) {
	rp := relyingParty(t)
	phone, stored := registered(t, rp)
	first, _, err := rp.BeginAssertion(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := rp.BeginAssertion(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.FinishAssertion(now, second, phone.Get(first), owning(stored)); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
}

func TestTheCreationOfAPasskeyIsNoAssertion(t *testing.T) {
	rp := relyingParty(t)
	phone, stored := registered(t, rp)
	options, state, err := rp.BeginAssertion(nil)
	if err != nil {
		t.Fatal(err)
	}
	phone.Type = "webauthn.create"
	if _, err := rp.FinishAssertion(now, state, phone.Get(options), owning(stored)); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("got %v, want ErrRefused for a client data type of webauthn.create", err)
	}
}

func TestAKnownPhoneMayLeaveTheUserHandleOut(t *testing.T) {
	rp := relyingParty(t)
	phone, stored := registered(t, rp)
	phone.ForgetUserHandle()
	options, state, err := rp.BeginAssertion([]auth.Passkey{stored})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.FinishAssertion(now, state, phone.Get(options), owning(stored)); err != nil {
		t.Errorf("with allowed credentials: got %v, want it accepted", err)
	}
	options, state, err = rp.BeginAssertion(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.FinishAssertion(now, state, phone.Get(options), owning(stored)); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("without allowed credentials: got %v, want ErrRefused", err)
	}
}

func TestOnlyAllowedPasskeysAnswer(t *testing.T) {
	rp := relyingParty(t)
	phone, stored := registered(t, rp)
	_, other := registered(t, rp)
	options, state, err := rp.BeginAssertion([]auth.Passkey{other})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.FinishAssertion(now, state, phone.Get(options), owning(stored)); !errors.Is(err, passkey.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
}

func FuzzAnswers(f *testing.F) {
	rp, err := passkey.New(issuer, "Acme")
	if err != nil {
		f.Fatal(err)
	}
	_, assertion, err := rp.BeginAssertion(nil)
	if err != nil {
		f.Fatal(err)
	}
	_, registration, err := rp.BeginRegistration(passkey.Owner{User: ada})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA"}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := rp.FinishAssertion(now, assertion, answer, owning(auth.Passkey{})); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("assertion: got %v, want ErrRefused", err)
		}
		if _, err := rp.FinishRegistration(now, passkey.Owner{User: ada}, registration, answer); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("registration: got %v, want ErrRefused", err)
		}
	})
}

func TestAnAnswerAfterTheTimeoutIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rp := relyingParty(t)
		phone, stored := registered(t, rp)
		options, state, err := rp.BeginAssertion(nil)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(passkey.Timeout + time.Second) // of the bubble's clock
		if _, err := rp.FinishAssertion(time.Now(), state, phone.Get(options), owning(stored)); !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("got %v, want ErrRefused", err)
		}
	})
}
