package sqlite

import (
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/store"
)

const grantColumns = `id, seq, state, client_id, scopes, device_name, device_platform, app_version, origin,
	poll_interval, created_at, expires_at, code, code_minted_at, old_code, old_code_until,
	claimed_by, challenge, user_id, decided_at, redeemed_at,
	resources, key_thumbprint, nonce, redirect_uri, redirect_state, redirect_challenge, redirect_subject, auth_code_hash,
	opened_by, opened_twice, opened_late, crowded, number, tries`

func scanGrant(r *row) grant.Grant {
	return grant.Grant{
		ID: text[auth.GrantID](r), Seq: number[int64](r), State: text[grant.State](r), ClientID: text[auth.ClientID](r),
		Scopes: r.words(), Device: r.device(), Origin: r.address(),
		Interval: number[time.Duration](r), CreatedAt: r.instant(), ExpiresAt: r.instant(),
		Code: text[grant.UserCode](r), CodeMintedAt: r.instant(), OldCode: text[grant.UserCode](r), OldCodeUntil: r.instant(),
		ClaimedBy: text[auth.BrowserID](r), Challenge: r.blob(),
		UserID: text[auth.UserID](r), DecidedAt: r.instant(), RedeemedAt: r.instant(),
		Resources: r.words(), KeyThumbprint: text[string](r), Nonce: text[string](r), Redirect: r.redirect(),
		OpenedBy: text[auth.BrowserID](r), OpenedTwice: r.flag(), OpenedLate: r.flag(), Crowded: r.flag(),
		Number: text[string](r), Tries: number[int](r),
	}
}

func (r *row) redirect() grant.Redirect {
	return grant.Redirect{
		URI: text[string](r), State: text[string](r), Challenge: text[string](r), Subject: text[string](r), Code: r.digest(),
	}
}

const glance = `SELECT id, state, client_id, poll_interval, created_at, expires_at, key_thumbprint, redirect_uri, tries
	FROM grants WHERE id = ?`

func scanGlance(r *row) grant.Glance {
	return grant.Glance{
		ID: text[auth.GrantID](r), State: text[grant.State](r), ClientID: text[auth.ClientID](r),
		Interval: number[time.Duration](r), CreatedAt: r.instant(), ExpiresAt: r.instant(),
		KeyThumbprint: text[string](r), RedirectURI: text[string](r), Tries: number[int](r),
	}
}

func (t *tx) AddGrant(g grant.Grant) error {
	has := codesOf(g)
	if err := t.addCodes(g.ID, has); err != nil {
		return err
	}
	err := t.add("grant", `INSERT INTO grants (`+grantColumns+`)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		string(g.ID), g.Seq, string(g.State), string(g.ClientID), g.Scopes.String(),
		g.Device.Name, g.Device.Platform, g.Device.AppVersion, address(g.Origin),
		int64(g.Interval), instant(g.CreatedAt), instant(g.ExpiresAt),
		string(g.Code), instant(g.CodeMintedAt), string(g.OldCode), instant(g.OldCodeUntil),
		string(g.ClaimedBy), blob(g.Challenge), string(g.UserID), instant(g.DecidedAt), instant(g.RedeemedAt),
		words(g.Resources), g.KeyThumbprint, g.Nonce,
		g.Redirect.URI, g.Redirect.State, g.Redirect.Challenge, g.Redirect.Subject, digest(g.Redirect.Code),
		string(g.OpenedBy), g.OpenedTwice, g.OpenedLate, g.Crowded, g.Number, g.Tries)
	if err == nil {
		t.had = ownCodes{g.ID, has}
		return nil
	}
	// A function that goes on after the conflict must not find the codes taken by a grant that is not there.
	if undo := t.removeCodes(has); undo != nil {
		return undo
	}
	return err
}

func (t *tx) Grant(id auth.GrantID) (grant.Grant, error) {
	return t.keepCodes(one(t, "grant", scanGrant, `SELECT `+grantColumns+` FROM grants WHERE id = ?`, string(id)))
}

func (t *tx) GrantByUserCode(code grant.UserCode) (grant.Grant, error) {
	return t.keepCodes(one(t, "grant", scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE id = (SELECT grant_id FROM user_codes WHERE code = ?)`, string(code)))
}

func (t *tx) GrantsOfClient(id auth.ClientID, after time.Time) ([]grant.Grant, error) {
	return all(t, "grants of client", scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE expires_at > ? AND client_id = ? ORDER BY expires_at, rowid`, instant(after), string(id))
}

func (t *tx) GrantsOfUser(id auth.UserID, after time.Time) ([]grant.Grant, error) {
	return all(t, "grants of user", scanGrant, `SELECT `+grantColumns+` FROM grants
		WHERE expires_at > ? AND user_id = ? ORDER BY expires_at, rowid`, instant(after), string(id))
}

func (t *tx) ExpireGrants(begunAfter, at time.Time) (int, error) {
	n, err := t.exec(`UPDATE grants SET expires_at = ? WHERE expires_at > ? AND created_at > ?`,
		instant(at), instant(at), instant(begunAfter))
	return int(n), err
}

func (t *tx) SetGrant(g grant.Grant) error {
	had, err := t.codesOf(g.ID)
	if err != nil {
		return err
	}
	has := codesOf(g)
	// First what may conflict, so that a conflict leaves nothing behind.
	if err := t.addCodes(g.ID, has.without(had)); err != nil {
		return err
	}
	if err := t.removeCodes(had.without(has)); err != nil {
		return err
	}
	t.had = ownCodes{g.ID, has}
	// Not expires_at and what else a grant began with: its index would be written again.
	return t.change("grant", `UPDATE grants SET seq=?, state=?, scopes=?,
		code=?, code_minted_at=?, old_code=?, old_code_until=?,
		claimed_by=?, challenge=?, user_id=?, decided_at=?, redeemed_at=?, auth_code_hash=?,
		opened_by=?, opened_twice=?, opened_late=?, number=?, tries=? WHERE id = ?`,
		g.Seq, string(g.State), g.Scopes.String(),
		string(g.Code), instant(g.CodeMintedAt), string(g.OldCode), instant(g.OldCodeUntil),
		string(g.ClaimedBy), blob(g.Challenge), string(g.UserID), instant(g.DecidedAt), instant(g.RedeemedAt), digest(g.Redirect.Code),
		string(g.OpenedBy), g.OpenedTwice, g.OpenedLate, g.Number, g.Tries, string(g.ID))
}

// ownCodes are those of one grant.
type ownCodes struct {
	id    auth.GrantID
	codes codes
}

// keepCodes notes the codes of a grant that was read.
func (t *tx) keepCodes(g grant.Grant, err error) (grant.Grant, error) {
	if err == nil {
		t.had = ownCodes{g.ID, codesOf(g)}
	}
	return g, err
}

// codesOf are the stored codes of the grant.
func (t *tx) codesOf(id auth.GrantID) (codes, error) {
	if id != "" && t.had.id == id {
		return t.had.codes, nil
	}
	return one(t, "grant", scanCodes, `SELECT code, old_code FROM grants WHERE id = ?`, string(id))
}

// codes are a grant's present and its old user code; the empty text is none.
type codes [2]string

func codesOf(g grant.Grant) codes {
	c := codes{string(g.Code), string(g.OldCode)}
	if c[0] == c[1] {
		c[1] = ""
	}
	return c
}

func scanCodes(r *row) codes { return codes{text[string](r), text[string](r)} }

func (c codes) without(d codes) codes {
	for i := range c {
		if c[i] == d[0] || c[i] == d[1] {
			c[i] = ""
		}
	}
	return c
}

// addCodes gives the codes to the grant, all or none of them.
func (t *tx) addCodes(id auth.GrantID, c codes) error {
	switch {
	case c[0] != "" && c[1] != "":
		return t.add("user codes of grant", `INSERT INTO user_codes (code, grant_id) VALUES (?, ?), (?, ?)`,
			c[0], string(id), c[1], string(id))
	case c[0] != "" || c[1] != "":
		return t.add("user code of grant", `INSERT INTO user_codes (code, grant_id) VALUES (?, ?)`,
			c[0]+c[1], string(id))
	}
	return nil
}

func (t *tx) removeCodes(c codes) error {
	if c == (codes{}) {
		return nil
	}
	_, err := t.exec(`DELETE FROM user_codes WHERE code IN (?, ?)`, c[0], c[1])
	return err
}

// pruneGrants deletes up to limit grants that ended long enough ago, and their codes with them.
func (t *tx) pruneGrants(now time.Time, limit int) (int, error) {
	const due = `FROM grants WHERE expires_at <= ? ORDER BY expires_at, rowid LIMIT ?`
	t.had = ownCodes{}
	until := instant(now.Add(-store.GrantKept))
	if _, err := t.exec(`DELETE FROM user_codes WHERE code IN (
		SELECT code FROM (SELECT code `+due+`) UNION ALL SELECT old_code FROM (SELECT old_code `+due+`))`,
		until, limit, until, limit); err != nil {
		return 0, err
	}
	n, err := t.exec(`DELETE FROM grants WHERE rowid IN (SELECT rowid `+due+`)`, until, limit)
	return int(n), err
}
