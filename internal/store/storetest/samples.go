package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// epoch is when the samples happen, to the microsecond.
var epoch = time.Date(2031, 2, 3, 4, 5, 6, 789123000, time.UTC)

func hash(format string, args ...any) secret.Hash {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// sampleCode is the i-th user code: digits in the alphabet's letters.
func sampleCode(i int) grant.UserCode {
	const alphabet = "BCDFGHJKLMNPQRSTVWXZ"
	code := make([]byte, grant.CodeLength)
	for k := range code {
		code[len(code)-1-k] = alphabet[i%len(alphabet)]
		i /= len(alphabet)
	}
	return grant.UserCode(code)
}

// sampleGrant is a grant with every field set. Its codes are the ones of 2i and 2i+1.
func sampleGrant(i int) grant.Grant {
	return grant.Grant{
		ID:           auth.GrantID(fmt.Sprintf("grant-%d", i)),
		Seq:          int64(i) + 7,
		State:        grant.Confirming,
		ClientID:     "desktop",
		Scopes:       auth.Scopes{"openid", "profile"},
		Device:       auth.Device{Name: "ALICE-PC", Platform: "Windows 12", AppVersion: "1.2.3"},
		Origin:       netip.MustParseAddr("2001:db8::7"),
		Interval:     5*time.Second + time.Nanosecond,
		CreatedAt:    epoch,
		ExpiresAt:    epoch.Add(5 * time.Minute),
		Code:         sampleCode(2 * i),
		CodeMintedAt: epoch.Add(time.Second),
		OldCode:      sampleCode(2*i + 1),
		OldCodeUntil: epoch.Add(2 * time.Second),
		ClaimedBy:    "browser",
		Challenge:    []byte{0, 1, 2, 255},
		UserID:       "alice",
		DecidedAt:    epoch.Add(3 * time.Second),
		RedeemedAt:   epoch.Add(4 * time.Second),

		Resources:     []string{"https://api.example", "urn:example:files"},
		KeyThumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
		Nonce:         "n-0S6_WzA2Mj",
		Redirect: grant.Redirect{
			URI: "http://127.0.0.1/callback", State: "a state, as it came", Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", Subject: "a person's name at the client",
			Code: hash("code %d", i),
		},

		OpenedBy: "another browser", OpenedTwice: true, OpenedLate: true, Crowded: true,
		Number: "07", Tries: 2,
	}
}

// freshGrant is a grant that has just begun.
func freshGrant(i int) grant.Grant {
	return grant.New(epoch, grant.Request{
		ID:       auth.GrantID(fmt.Sprintf("grant-%d", i)),
		ClientID: "desktop",
		Code:     sampleCode(2 * i),
		Lifetime: 5 * time.Minute,
		Interval: 5 * time.Second,
	})
}

func sampleClient(i int) auth.Client {
	return auth.Client{
		ID: auth.ClientID(fmt.Sprintf("client-%d", i)), Name: "Äpp", Verified: true, AuthMethod: auth.AuthSecret,
		Secrets: []auth.ClientSecret{
			{Hash: hash("client %d, the next", i), CreatedAt: epoch.Add(time.Hour)},
			{Hash: hash("client %d", i), CreatedAt: epoch, ExpiresAt: epoch.Add(2*time.Hour + time.Microsecond)},
		},
		Keys:         []byte(`{"keys":[]}`),
		RedirectURIs: []string{"http://127.0.0.1/callback", "com.example.app:/callback"},
		Resources:    []string{"https://api.example", "urn:example:files"},
		Introspects:  []string{"https://other.example"},
		Pairwise:     true, RequireDPoP: true,
		Scopes: auth.Scopes{"openid"}, Lifetime: 300 * time.Second, Interval: 5 * time.Second,
		Policy: samplePolicy(), CreatedAt: epoch,
	}
}

// samplePolicy is a change that says something of each field.
func samplePolicy() auth.PolicyChange {
	return auth.PolicyChange{
		Medium: new(auth.DemandNumber), High: new(auth.DemandRefuse), RequireKnownDevice: new(true),
		Networks:      &[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		ReducedScopes: &auth.Scopes{"openid", "files:read"},
		Unconfirmed:   new(24*time.Hour + time.Nanosecond),
	}
}

func sampleUser(i int) auth.User {
	return auth.User{
		ID: auth.UserID(fmt.Sprintf("user-%d", i)), Name: "Alice “O’Hara”", Disabled: true,
		CreatedAt: epoch.Add(time.Duration(i) * time.Microsecond),
	}
}

func samplePasskey(i int, user auth.UserID) auth.Passkey {
	return auth.Passkey{
		ID: fmt.Appendf(nil, "passkey-\x00-%d", i), UserID: user, PublicKey: []byte{1, 2, 3}, AAGUID: make([]byte, 16),
		SignCount: 1<<32 - 1, BackupEligible: true, BackupState: true, Transports: []string{"internal", "hybrid"},
		CreatedAt: epoch.Add(time.Duration(i) * time.Microsecond), LastUsedAt: epoch.Add(time.Hour),
	}
}

func sampleSession(i int, user auth.UserID, client auth.ClientID) auth.Session {
	return auth.Session{
		ID: auth.SessionID(fmt.Sprintf("session-%d", i)), GrantID: auth.GrantID(fmt.Sprintf("grant-%d", i)),
		UserID: user, ClientID: client, Scopes: auth.Scopes{"openid", "profile"},
		Resources: []string{"https://api.example", "urn:example:files"},
		Device:    auth.Device{Name: "ALICE-PC", Platform: "Plan 9", AppVersion: "0.1"},
		AuthTime:  epoch.Add(-time.Second), KeyThumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
		Family: hash("family %d", i), Generation: 3, RotatedAt: epoch.Add(30 * time.Minute),
		CreatedAt: epoch.Add(time.Duration(i) * time.Microsecond), ExpiresAt: epoch.Add(time.Hour),
		StartedFrom: netip.MustParseAddr("192.0.2.7"), Origin: netip.MustParseAddr("2001:db8::7"), ReducedScopes: auth.Scopes{"openid"}, ReducedUntil: epoch.Add(24 * time.Hour),
	}
}

// sampleRefresh is the i-th refresh token of the session.
func sampleRefresh(i int, session auth.SessionID, generation int64) auth.Refresh {
	return auth.Refresh{Hash: hash("refresh %s %d", session, i), SessionID: session, Generation: generation}
}

func sampleKey(i int) auth.Key {
	return auth.Key{
		ID: auth.KeyID(fmt.Sprintf("key-%d", i)), Use: auth.KeySigns, Algorithm: "ES256",
		Material: []byte{0x30, 0, 1, 2, 255}, Sealed: true, CreatedAt: epoch.Add(time.Duration(i) * time.Microsecond),
		SignsFrom: epoch.Add(10 * time.Minute), ExpiresAt: epoch.Add(time.Hour),
	}
}

func sampleReplay(i int) auth.Replay {
	return auth.Replay{Hash: hash("replay %d", i), ExpiresAt: epoch.Add(time.Hour)}
}

func sampleBrowser(i int, user auth.UserID) auth.Browser {
	return auth.Browser{
		ID: auth.BrowserID(fmt.Sprintf("browser-%d", i)), UserID: user, ProvedAt: epoch, ExpiresAt: epoch.Add(time.Hour),
	}
}

func sampleInvitation(i int, user auth.UserID) auth.Invitation {
	return auth.Invitation{
		Hash: hash("invitation %d", i), UserID: user, Name: "Bob", CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour),
	}
}

func sampleCodes(user auth.UserID, n int) []auth.RecoveryCode {
	list := make([]auth.RecoveryCode, n)
	for i := range list {
		list[i] = auth.RecoveryCode{Hash: hash("recovery %s %d", user, i), UserID: user, CreatedAt: epoch}
	}
	return list
}

func sampleCeremony(i int) auth.Ceremony {
	return auth.Ceremony{
		Hash: hash("ceremony %d", i), Browser: "browser", Data: []byte(`{"challenge":"…"}`), ExpiresAt: epoch.Add(5 * time.Minute),
	}
}

// sampleRecord is the i-th record of an audit log of such records, from 0.
func sampleRecord(i int) auth.AuditRecord {
	r := auth.AuditRecord{
		Seq: int64(i) + 1, At: epoch.Add(time.Duration(i) * time.Microsecond), Type: auth.EventSignedIn, Actor: auth.ActorDesktop,
		ClientID: "desktop", Risk: "medium", Reasons: []string{"other_network", "opened_twice"}, Note: "a note, in “words”",
		Personal: []byte{'{', 0, 255, '}'}, PersonalHash: hash("personal %d", i), Hash: hash("record %d", i),
	}
	if i > 0 {
		r.Previous = hash("record %d", i-1)
	}
	return r
}

func sampleMessage(i int) auth.Message {
	return auth.Message{
		ID: fmt.Sprintf("message-%d", i), Body: []byte(`{"type":"…"}`), CreatedAt: epoch,
		DueAt: epoch.Add(time.Duration(i) * time.Microsecond), Tries: 3,
	}
}

func sampleFamiliar(i int, user auth.UserID) auth.Familiar {
	return auth.Familiar{
		UserID: user, Kind: auth.FamiliarNetwork, Value: fmt.Sprintf("192.0.%d.0/24", i),
		FirstSeenAt: epoch, LastSeenAt: epoch.Add(time.Minute),
	}
}

func sampleBlock(i int, user auth.UserID) auth.Block {
	return auth.Block{
		Kind: auth.BlockAddress, Value: fmt.Sprintf("192.0.2.%d", i), UserID: user,
		CreatedAt: epoch.Add(time.Duration(i) * time.Microsecond), ExpiresAt: epoch.Add(time.Hour),
	}
}

// samples is one record of each noun, that belong together.
type samples struct {
	grant      grant.Grant
	client     auth.Client
	user       auth.User
	passkey    auth.Passkey
	session    auth.Session
	refresh    auth.Refresh
	key        auth.Key
	replay     auth.Replay
	browser    auth.Browser
	invitation auth.Invitation
	codes      []auth.RecoveryCode
	ceremony   auth.Ceremony
	record     auth.AuditRecord
	message    auth.Message
	familiar   auth.Familiar
	block      auth.Block
}

// family is the i-th set of samples. Their records of the audit log are added in that order.
func family(i int) samples {
	client, user := sampleClient(i), sampleUser(i)
	session := sampleSession(i, user.ID, client.ID)
	return samples{
		grant: sampleGrant(i), client: client, user: user,
		passkey:    samplePasskey(i, user.ID),
		session:    session,
		refresh:    sampleRefresh(0, session.ID, session.Generation),
		key:        sampleKey(i),
		replay:     sampleReplay(i),
		browser:    sampleBrowser(i, user.ID),
		invitation: sampleInvitation(i, user.ID),
		codes:      sampleCodes(user.ID, 3),
		ceremony:   sampleCeremony(i),
		record:     sampleRecord(i),
		message:    sampleMessage(i),
		familiar:   sampleFamiliar(i, user.ID),
		block:      sampleBlock(i, user.ID),
	}
}

// seed writes the first family.
func seed(t *testing.T, s store.Store) samples {
	t.Helper()
	k := family(0)
	update(t, s, k.add)
	return k
}

func (k samples) add(tx store.Tx) error {
	for _, add := range []func() error{
		func() error { return tx.AddGrant(k.grant) },
		func() error { return tx.AddClient(k.client) },
		func() error { return tx.AddUser(k.user) },
		func() error { return tx.AddPasskey(k.passkey) },
		func() error { return tx.AddSession(k.session) },
		func() error { return tx.AddRefresh(k.refresh) },
		func() error { return tx.AddKey(k.key) },
		func() error { return tx.AddReplay(k.replay) },
		func() error { return tx.PutBrowser(k.browser) },
		func() error { return tx.AddInvitation(k.invitation) },
		func() error { return tx.SetRecoveryCodes(k.user.ID, k.codes) },
		func() error { return tx.AddCeremony(k.ceremony) },
		func() error { return tx.AddAudit(k.record) },
		func() error { return tx.AddMessage(k.message) },
		func() error { return tx.PutFamiliar(k.familiar) },
		func() error { return tx.PutBlock(k.block) },
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

// check expects every record as it was added, and takes the ceremony.
func (k samples) check(t *testing.T, s store.Store) {
	t.Helper()
	equal(t, "grant", found(t, s, store.Tx.Grant, k.grant.ID), k.grant)
	equal(t, "client", found(t, s, store.Tx.Client, k.client.ID), k.client)
	equal(t, "user", found(t, s, store.Tx.User, k.user.ID), k.user)
	equal(t, "passkey", found(t, s, store.Tx.Passkey, k.passkey.ID), k.passkey)
	equal(t, "session", found(t, s, store.Tx.Session, k.session.ID), k.session)
	equal(t, "session by grant", found(t, s, store.Tx.SessionByGrant, k.session.GrantID), k.session)
	if !k.session.Family.IsZero() {
		equal(t, "session by family", found(t, s, store.Tx.SessionByFamily, k.session.Family), k.session)
	}
	equal(t, "refresh token", found(t, s, store.Tx.Refresh, k.refresh.Hash), k.refresh)
	equal(t, "key", found(t, s, keyByID, k.key.ID), k.key)
	remembered(t, s, k.replay)
	equal(t, "browser", found(t, s, store.Tx.Browser, k.browser.ID), k.browser)
	equal(t, "invitation", found(t, s, store.Tx.Invitation, k.invitation.Hash), k.invitation)
	for _, c := range k.codes {
		equal(t, "recovery code", found(t, s, store.Tx.RecoveryCode, c.Hash), c)
	}
	equal(t, "audit record", found(t, s, auditBySeq, k.record.Seq), k.record)
	equal(t, "message", found(t, s, messageByID, k.message.ID), k.message)
	equal(t, "familiar", found(t, s, familiarLike, k.familiar), k.familiar)
	equal(t, "block", found(t, s, blockLike, k.block), k.block)
	update(t, s, func(tx store.Tx) error {
		c, err := tx.TakeCeremony(k.ceremony.Hash)
		equal(t, "ceremony", c, k.ceremony)
		return err
	})
}

// These pick one record of a list, which a store has no method for.

func keyByID(tx store.Tx, id auth.KeyID) (auth.Key, error) {
	list, err := tx.Keys()
	return pick(list, err, func(k auth.Key) bool { return k.ID == id })
}

func auditBySeq(tx store.Tx, seq int64) (auth.AuditRecord, error) {
	list, err := tx.Audit(seq-1, 1)
	return pick(list, err, func(r auth.AuditRecord) bool { return r.Seq == seq })
}

func messageByID(tx store.Tx, id string) (auth.Message, error) {
	list, err := tx.DueMessages(epoch.AddDate(1000, 0, 0), 1<<20)
	return pick(list, err, func(m auth.Message) bool { return m.ID == id })
}

// familiarLike finds that of the same user, kind and value.
func familiarLike(tx store.Tx, like auth.Familiar) (auth.Familiar, error) {
	list, err := tx.FamiliarsOf(like.UserID)
	return pick(list, err, func(f auth.Familiar) bool { return f.Kind == like.Kind && f.Value == like.Value })
}

// blockLike finds that of the same kind, value and user.
func blockLike(tx store.Tx, like auth.Block) (auth.Block, error) {
	list, err := tx.BlocksOn(like.Kind, like.Value)
	return pick(list, err, func(b auth.Block) bool { return b.UserID == like.UserID })
}

func pick[V any](list []V, err error, is func(V) bool) (none V, _ error) {
	if err != nil {
		return none, err
	}
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i], nil
	}
	return none, store.ErrNotFound
}

// remembered expects that the value has been used.
func remembered(t *testing.T, s store.Store, r auth.Replay) {
	t.Helper()
	if err := s.Update(context.Background(), put(store.Tx.AddReplay, r)); !errors.Is(err, store.ErrConflict) {
		t.Errorf("AddReplay of a value that was used: got %v, want ErrConflict", err)
	}
}
