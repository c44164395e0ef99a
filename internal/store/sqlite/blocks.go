package sqlite

import "github.com/qrauthd/qrauthd/internal/auth"

const blockColumns = `kind, value, user_id, created_at, expires_at`

func scanBlock(r *row) auth.Block {
	return auth.Block{
		Kind: text[auth.BlockKind](r), Value: text[string](r), UserID: text[auth.UserID](r),
		CreatedAt: r.instant(), ExpiresAt: r.instant(),
	}
}

func (t *tx) PutBlock(b auth.Block) error {
	return t.add("block", `INSERT INTO blocks (`+blockColumns+`) VALUES (?,?,?,?,?)
		ON CONFLICT (kind, value, user_id) DO UPDATE SET
		created_at = excluded.created_at, expires_at = excluded.expires_at`,
		string(b.Kind), b.Value, string(b.UserID), instant(b.CreatedAt), instant(b.ExpiresAt))
}

func (t *tx) BlocksOn(kind auth.BlockKind, value string) ([]auth.Block, error) {
	return all(t, "blocks", scanBlock, `SELECT `+blockColumns+` FROM blocks
		WHERE kind = ? AND value = ? ORDER BY user_id`, string(kind), value)
}

func (t *tx) Blocks() ([]auth.Block, error) {
	return all(t, "blocks", scanBlock, `SELECT `+blockColumns+` FROM blocks ORDER BY created_at, rowid`)
}

func (t *tx) RemoveBlocks(kind auth.BlockKind, value string) error {
	return t.change("blocks", `DELETE FROM blocks WHERE kind = ? AND value = ?`, string(kind), value)
}
