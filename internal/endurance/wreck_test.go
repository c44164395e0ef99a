package endurance

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

// databaseFile is the name of the database in a data folder.
const databaseFile = "qrauthd.db"

// wreck is a copy of what a killed server has left, to be looked into while the next
// one starts on the original.
type wreck struct{ *sql.DB }

// salvage copies the database with its log. Nobody may have it open.
func salvage(data, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		err := copyFile(filepath.Join(data, name), filepath.Join(dir, name))
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, "-wal")) {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// openWreck opens the database in the folder.
func openWreck(dir string) (*wreck, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, databaseFile)+"?mode=rw&_busy_timeout=5000")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &wreck{db}, nil
}

// sound is SQLite's own verdict on the file.
func (w *wreck) sound() error {
	var verdict string
	if err := w.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil {
		return fmt.Errorf("integrity_check: %w", err)
	}
	if verdict != "ok" {
		return fmt.Errorf("integrity_check: %s", verdict)
	}
	return w.each("PRAGMA foreign_key_check", func(scan func(...any) error) error {
		var table, parent string
		var row, key sql.NullInt64
		if err := scan(&table, &row, &parent, &key); err != nil {
			return err
		}
		return fmt.Errorf("foreign_key_check: a row of %s has no %s", table, parent)
	})
}

// each reads the rows of a query.
func (w *wreck) each(query string, do func(scan func(...any) error) error) error {
	rows, err := w.Query(query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// file is all that the database has of one computer: its name is of one sign-in only.
type file struct {
	grants   []grantRow
	sessions []sessionRow
	records  []record
}

type grantRow struct {
	id, state  string
	opened     bool
	redeemedAt time.Time
}

type sessionRow struct {
	id, grant  string
	generation int64
	present    int // refresh tokens of that generation
}

// record is one of the audit log.
type record struct {
	kind, note, grant, session string
	user                       string // the name of the account
}

// number counts the records of a kind.
func (f *file) number(kind string) (n int) {
	for _, r := range f.records {
		if r.kind == kind {
			n++
		}
	}
	return n
}

// archive is what the database has, by the names of computers, and of accounts.
type archive struct {
	files    map[string]*file
	accounts map[string]*accountRow
	records  int
}

type accountRow struct{ users, passkeys, records int }

func newArchive() *archive {
	return &archive{files: map[string]*file{}, accounts: map[string]*accountRow{}}
}

func (a *archive) file(name string) *file {
	if a.files[name] == nil {
		a.files[name] = &file{}
	}
	return a.files[name]
}

func (a *archive) account(name string) *accountRow {
	if a.accounts[name] == nil {
		a.accounts[name] = &accountRow{}
	}
	return a.accounts[name]
}

// read reads the database into the archive.
func (w *wreck) read(a *archive) error {
	return errors.Join(w.readGrants(a), w.readSessions(a), w.readRecords(a), w.readAccounts(a))
}

func (w *wreck) readGrants(a *archive) error {
	return w.each("SELECT device_name, id, state, opened_by <> '', coalesce(redeemed_at, 0) FROM grants", func(scan func(...any) error) error {
		var name string
		var g grantRow
		var redeemed int64
		err := scan(&name, &g.id, &g.state, &g.opened, &redeemed)
		g.redeemedAt = time.UnixMicro(redeemed)
		f := a.file(name)
		f.grants = append(f.grants, g)
		return err
	})
}

func (w *wreck) readSessions(a *archive) error {
	const query = `SELECT device_name, id, grant_id, generation,
		(SELECT count(*) FROM refreshes WHERE session_id = sessions.id AND refreshes.generation = sessions.generation) FROM sessions`
	return w.each(query, func(scan func(...any) error) error {
		var name string
		var s sessionRow
		err := scan(&name, &s.id, &s.grant, &s.generation, &s.present)
		f := a.file(name)
		f.sessions = append(f.sessions, s)
		return err
	})
}

func (w *wreck) readRecords(a *archive) error {
	const query = `SELECT type, note, coalesce(CAST(personal AS TEXT) ->> '$.device_name', ''), coalesce(CAST(personal AS TEXT) ->> '$.grant_id', ''),
		coalesce(CAST(personal AS TEXT) ->> '$.session_id', ''), coalesce(CAST(personal AS TEXT) ->> '$.user_name', '') FROM audit`
	return w.each(query, func(scan func(...any) error) error {
		var name string
		var r record
		if err := scan(&r.kind, &r.note, &name, &r.grant, &r.session, &r.user); err != nil {
			return err
		}
		a.records++
		if r.kind == "account.created" {
			a.account(r.user).records++
		}
		if name != "" {
			f := a.file(name)
			f.records = append(f.records, r)
		}
		return nil
	})
}

func (w *wreck) readAccounts(a *archive) error {
	const query = "SELECT name, (SELECT count(*) FROM passkeys WHERE user_id = users.id) FROM users"
	return w.each(query, func(scan func(...any) error) error {
		var name string
		var passkeys int
		err := scan(&name, &passkeys)
		row := a.account(name)
		row.users++
		row.passkeys += passkeys
		return err
	})
}
