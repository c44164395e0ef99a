-- What a complete provider keeps: signed access tokens and refresh tokens instead of opaque ones, keys of
-- its own, clients that authenticate in several ways, and values that work once.

-- +goose Up

-- Plain columns, no index: the start of a sign-in stays one insert into the same trees as before. The code
-- whose hash this is begins with the grant's ID, so that nobody looks a grant up by it.
ALTER TABLE grants ADD COLUMN resources          TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN key_thumbprint     TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN nonce              TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN redirect_uri       TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN redirect_state     TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN redirect_challenge TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN redirect_subject   TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN auth_code_hash     BLOB;

-- The secrets are a JSON array of {hash in hex, created_at, expires_at}. There are two at most, they are
-- read and written with their client alone, and nobody looks a client up by one: a table of their own would
-- be a second statement for each reading.
ALTER TABLE clients ADD COLUMN auth_method   TEXT    NOT NULL DEFAULT 'none';
ALTER TABLE clients ADD COLUMN secrets       TEXT    NOT NULL DEFAULT '[]';
ALTER TABLE clients ADD COLUMN keys          BLOB;
ALTER TABLE clients ADD COLUMN redirect_uris TEXT    NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN resources     TEXT    NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN introspects   TEXT    NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN pairwise      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN require_dpop  INTEGER NOT NULL DEFAULT 0;

-- The one secret that a confidential client had goes on to work, until an operator replaces it.
UPDATE clients
SET auth_method = 'client_secret',
	secrets = json_array(json_object('hash', lower(hex(secret_hash)), 'created_at', created_at, 'expires_at', NULL))
WHERE secret_hash IS NOT NULL;
ALTER TABLE clients DROP COLUMN secret_hash;

-- A public client that is added from now on may take authorization codes on the person's own computer, if
-- the operator says nothing else. The ones that are there become the same, or their desktops would offer a
-- button that leads to an error.
UPDATE clients
SET redirect_uris = 'http://127.0.0.1/callback http://[::1]/callback'
WHERE auth_method = 'none';

-- So far every client's desktops stayed signed in for 30 days. That is what offline_access stands for now:
-- without it, a sign-in would end with its access token after minutes.
UPDATE clients
SET scopes = trim(scopes || ' offline_access')
WHERE instr(' ' || scopes || ' ', ' offline_access ') = 0;

-- The sessions of before cannot be carried over: each was held by an opaque access token, which has no
-- successor, for the desktop has no refresh token to get a signed one with. Those desktops sign in again.
DROP TABLE sessions;

-- No index serves the cascade from clients: removing a client is rare and may read the whole table, while
-- every redeemed grant would pay for the index. A session without refresh tokens has no family: NULL.
CREATE TABLE sessions (
	id              TEXT    NOT NULL PRIMARY KEY,
	grant_id        TEXT    NOT NULL UNIQUE,
	user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	client_id       TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
	scopes          TEXT    NOT NULL,
	resources       TEXT    NOT NULL,
	device_name     TEXT    NOT NULL,
	device_platform TEXT    NOT NULL,
	app_version     TEXT    NOT NULL,
	auth_time       INTEGER,
	key_thumbprint  TEXT    NOT NULL,
	family_hash     BLOB    UNIQUE,
	generation      INTEGER NOT NULL,
	rotated_at      INTEGER,
	created_at      INTEGER,
	expires_at      INTEGER
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- A refresh token has no end of its own: it goes with its session or with its generation.
CREATE TABLE refreshes (
	hash       BLOB    NOT NULL PRIMARY KEY,
	session_id TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
	generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refreshes_by_session ON refreshes (session_id, generation);

-- A handful of rows, read as a whole: no index. A key without an end is in use.
CREATE TABLE keys (
	id         TEXT    NOT NULL PRIMARY KEY,
	use        TEXT    NOT NULL,
	algorithm  TEXT    NOT NULL,
	material   BLOB,
	sealed     INTEGER NOT NULL,
	created_at INTEGER,
	signs_from INTEGER,
	expires_at INTEGER
) STRICT;

-- Every request with a proof inserts here. Without row IDs there are two trees to write instead of three.
CREATE TABLE replays (
	hash       BLOB NOT NULL PRIMARY KEY,
	expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX replays_by_expiry ON replays (expires_at);
