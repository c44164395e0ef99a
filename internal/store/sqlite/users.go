package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

const userColumns = `id, name, disabled, created_at`

func scanUser(r *row) auth.User {
	return auth.User{ID: text[auth.UserID](r), Name: text[string](r), Disabled: r.flag(), CreatedAt: r.instant()}
}

func (t *tx) AddUser(u auth.User) error {
	return t.add("user", `INSERT INTO users (`+userColumns+`) VALUES (?,?,?,?)`,
		string(u.ID), u.Name, u.Disabled, instant(u.CreatedAt))
}

func (t *tx) User(id auth.UserID) (auth.User, error) {
	return one(t, "user", scanUser, `SELECT `+userColumns+` FROM users WHERE id = ?`, string(id))
}

func (t *tx) Users() ([]auth.User, error) {
	return all(t, "users", scanUser, `SELECT `+userColumns+` FROM users ORDER BY created_at, rowid`)
}

func (t *tx) SetUser(u auth.User) error {
	return t.change("user", `UPDATE users SET name = ?, disabled = ?, created_at = ? WHERE id = ?`,
		u.Name, u.Disabled, instant(u.CreatedAt), string(u.ID))
}

func (t *tx) RemoveUser(id auth.UserID) error {
	return t.change("user", `DELETE FROM users WHERE id = ?`, string(id))
}
