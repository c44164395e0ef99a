-- What makes a sign-in to be trusted: what of it was seen on the way, what an operator demands, what an
-- account has had before, what was reported, and a log of it all. Sign-ins that are under way and desktops
-- that are signed in stay as they are.

-- +goose Up

-- Plain columns, no index: the start of a sign-in stays one insert into the same trees as before.
ALTER TABLE grants ADD COLUMN opened_by    TEXT    NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN opened_twice INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN opened_late  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN crowded      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN number       TEXT    NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN tries        INTEGER NOT NULL DEFAULT 0;

-- Nobody knows where a desktop of before was started, or last heard from. Nothing is withheld from it.
ALTER TABLE sessions ADD COLUMN started_from   TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN origin         TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN reduced_scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN reduced_until  INTEGER;

-- A JSON object of what is said of the client's policy and nothing else, so that what is not said follows
-- the configuration file.
ALTER TABLE clients ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';

-- Every audited event inserts here, at the end of the tree. It has no foreign keys: the log outlives whom it
-- tells of. A record without a time is as old as can be: here no time is not NULL but the first that there is.
CREATE TABLE audit (
	seq           INTEGER NOT NULL PRIMARY KEY,
	at            INTEGER NOT NULL,
	type          TEXT    NOT NULL,
	actor         TEXT    NOT NULL,
	client_id     TEXT    NOT NULL,
	risk          TEXT    NOT NULL,
	reasons       TEXT    NOT NULL,
	note          TEXT    NOT NULL,
	personal      BLOB,
	personal_hash BLOB,
	previous_hash BLOB,
	hash          BLOB
) STRICT;

-- For forgetting. A record leaves the index when what it says of a person is forgotten.
CREATE INDEX audit_with_personal ON audit (at) WHERE personal IS NOT NULL;

-- One row, apart from the records, so that missing ones at the end show.
CREATE TABLE audit_head (
	id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
	seq  INTEGER NOT NULL,
	hash BLOB
) STRICT;
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, NULL);

-- These guard against mistakes: a wrong statement here, a hasty hand at the file. They are no proof against
-- malice, for whoever can write to the file can drop them first. What was done then, the chain of hashes shows.
-- +goose StatementBegin
CREATE TRIGGER audit_is_never_changed
BEFORE UPDATE OF seq, at, type, actor, client_id, risk, reasons, note, personal_hash, previous_hash, hash ON audit
BEGIN
	SELECT RAISE(ABORT, 'a record of the audit log is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_is_never_deleted
BEFORE DELETE ON audit
BEGIN
	SELECT RAISE(ABORT, 'a record of the audit log is never deleted');
END;
-- +goose StatementEnd

-- A message without a time is due: no time is the first that there is.
CREATE TABLE messages (
	id         TEXT    NOT NULL PRIMARY KEY,
	body       BLOB,
	created_at INTEGER,
	due_at     INTEGER NOT NULL,
	tries      INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_due ON messages (due_at);
CREATE INDEX messages_by_creation ON messages (created_at);

-- Every redeemed grant puts a few of these. No time is the first that there is, which is long past.
CREATE TABLE familiars (
	user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	kind          TEXT    NOT NULL,
	value         TEXT    NOT NULL,
	first_seen_at INTEGER,
	last_seen_at  INTEGER NOT NULL,
	PRIMARY KEY (user_id, kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX familiars_by_last_seen ON familiars (last_seen_at);

-- A desktop that is signed in is one that its account has had before.
INSERT INTO familiars (user_id, kind, value, first_seen_at, last_seen_at)
SELECT user_id, 'key', key_thumbprint, min(created_at), max(max(created_at, coalesce(rotated_at, created_at)))
FROM sessions
WHERE key_thumbprint <> '' AND created_at IS NOT NULL
GROUP BY user_id, key_thumbprint;

INSERT INTO familiars (user_id, kind, value, first_seen_at, last_seen_at)
SELECT user_id, 'client_key', client_id || ' ' || key_thumbprint, min(created_at), max(max(created_at, coalesce(rotated_at, created_at)))
FROM sessions
WHERE key_thumbprint <> '' AND created_at IS NOT NULL
GROUP BY user_id, client_id, key_thumbprint;

-- There is no foreign key: what somebody reported stays a risk to others when their account is gone.
CREATE TABLE blocks (
	kind       TEXT NOT NULL,
	value      TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	created_at INTEGER,
	expires_at INTEGER,
	PRIMARY KEY (kind, value, user_id)
) STRICT;
CREATE INDEX blocks_by_expiry ON blocks (expires_at);
