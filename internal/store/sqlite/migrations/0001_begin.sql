-- Migrations are append-only: a released one is never edited, and there is no way down.
--
-- Times are microseconds since the epoch, UTC; NULL is no time. Durations are nanoseconds.
-- Lists of words are joined by spaces. Hashes are the 32 bytes of SHA-256; NULL is no hash.

-- +goose Up

-- Every sign-in begins with an insert here, so the table has as few indexes as it can do with. It has no
-- foreign keys: a grant outlives its client and its person, to be denied.
CREATE TABLE grants (
	id              TEXT    NOT NULL PRIMARY KEY,
	seq             INTEGER NOT NULL,
	state           TEXT    NOT NULL,
	client_id       TEXT    NOT NULL,
	scopes          TEXT    NOT NULL,
	device_name     TEXT    NOT NULL,
	device_platform TEXT    NOT NULL,
	app_version     TEXT    NOT NULL,
	origin          TEXT    NOT NULL,
	poll_interval   INTEGER NOT NULL,
	created_at      INTEGER,
	expires_at      INTEGER,
	code            TEXT    NOT NULL,
	code_minted_at  INTEGER,
	old_code        TEXT    NOT NULL,
	old_code_until  INTEGER,
	claimed_by      TEXT    NOT NULL,
	challenge       BLOB,
	user_id         TEXT    NOT NULL,
	decided_at      INTEGER,
	redeemed_at     INTEGER
) STRICT;

-- For pruning. New grants expire last, so this index grows at its end and costs little.
CREATE INDEX grants_by_expiry ON grants (expires_at);

-- The present and the old code of every grant in one column, which is what makes a code unique over both.
-- There is no foreign key, for a cascade would want one more index on the hot path: pruning deletes the codes.
CREATE TABLE user_codes (
	code     TEXT NOT NULL PRIMARY KEY,
	grant_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE clients (
	id            TEXT    NOT NULL PRIMARY KEY,
	name          TEXT    NOT NULL,
	verified      INTEGER NOT NULL,
	secret_hash   BLOB,
	scopes        TEXT    NOT NULL,
	lifetime      INTEGER NOT NULL,
	poll_interval INTEGER NOT NULL,
	created_at    INTEGER
) STRICT;

CREATE TABLE users (
	id         TEXT    NOT NULL PRIMARY KEY,
	name       TEXT    NOT NULL,
	disabled   INTEGER NOT NULL,
	created_at INTEGER
) STRICT;

CREATE TABLE passkeys (
	id              BLOB    NOT NULL PRIMARY KEY,
	user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	public_key      BLOB,
	aaguid          BLOB,
	sign_count      INTEGER NOT NULL,
	backup_eligible INTEGER NOT NULL,
	backup_state    INTEGER NOT NULL,
	transports      TEXT    NOT NULL,
	created_at      INTEGER,
	last_used_at    INTEGER
) STRICT;
CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- No index serves the cascade from clients: removing a client is rare and may read the whole table, while
-- every redeemed grant would pay for the index.
CREATE TABLE sessions (
	id              TEXT NOT NULL PRIMARY KEY,
	grant_id        TEXT NOT NULL,
	user_id         TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	client_id       TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
	scopes          TEXT NOT NULL,
	device_name     TEXT NOT NULL,
	device_platform TEXT NOT NULL,
	app_version     TEXT NOT NULL,
	access_hash     BLOB UNIQUE,
	created_at      INTEGER,
	expires_at      INTEGER
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE browsers (
	id         TEXT NOT NULL PRIMARY KEY,
	user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	proved_at  INTEGER,
	expires_at INTEGER
) STRICT;
CREATE INDEX browsers_by_user ON browsers (user_id);
CREATE INDEX browsers_by_expiry ON browsers (expires_at);

-- An invitation without a user is for a new account.
CREATE TABLE invitations (
	hash       BLOB NOT NULL PRIMARY KEY,
	user_id    TEXT REFERENCES users (id) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	created_at INTEGER,
	expires_at INTEGER
) STRICT;
CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

CREATE TABLE recovery_codes (
	hash       BLOB NOT NULL PRIMARY KEY,
	user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	created_at INTEGER
) STRICT;
CREATE INDEX recovery_codes_by_user ON recovery_codes (user_id);

CREATE TABLE ceremonies (
	hash       BLOB NOT NULL PRIMARY KEY,
	browser    TEXT NOT NULL,
	data       BLOB,
	expires_at INTEGER
) STRICT;
CREATE INDEX ceremonies_by_expiry ON ceremonies (expires_at);
