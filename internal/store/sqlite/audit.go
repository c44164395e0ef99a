package sqlite

import (
	"errors"
	"fmt"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

const auditColumns = `seq, at, type, actor, client_id, risk, reasons, note, personal, personal_hash, previous_hash, hash`

func scanAudit(r *row) auth.AuditRecord {
	return auth.AuditRecord{
		Seq: number[int64](r), At: r.instant(), Type: text[auth.EventType](r), Actor: text[auth.Actor](r),
		ClientID: text[auth.ClientID](r), Risk: text[string](r), Reasons: r.words(), Note: text[string](r),
		Personal: r.blob(), PersonalHash: r.digest(), Previous: r.digest(), Hash: r.digest(),
	}
}

func (t *tx) AddAudit(a auth.AuditRecord) error {
	if err := t.moveAuditHead(auth.AuditHead{Seq: a.Seq - 1, Hash: a.Previous}, auth.AuditHead{Seq: a.Seq, Hash: a.Hash}); err != nil {
		return err
	}
	err := t.add("audit record", `INSERT INTO audit (`+auditColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
		a.Seq, a.At.UnixMicro(), string(a.Type), string(a.Actor), string(a.ClientID), a.Risk, words(a.Reasons), a.Note,
		blob(a.Personal), digest(a.PersonalHash), digest(a.Previous), digest(a.Hash))
	if err == nil {
		return nil
	}
	// There is a record beyond the head, which nobody here has put there. A function that goes on after the
	// conflict must find the head where it was.
	if undo := t.moveAuditHead(auth.AuditHead{Seq: a.Seq, Hash: a.Hash}, auth.AuditHead{Seq: a.Seq - 1, Hash: a.Previous}); undo != nil {
		return undo
	}
	return err
}

// moveAuditHead returns ErrConflict when the head is not where it is to be moved from.
func (t *tx) moveAuditHead(from, to auth.AuditHead) error {
	n, err := t.exec(`UPDATE audit_head SET seq = ?, hash = ? WHERE seq = ? AND hash IS ?`,
		to.Seq, digest(to.Hash), from.Seq, digest(from.Hash))
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("move the head of the audit log: %w", err)
	}
	return nil
}

func scanAuditHead(r *row) auth.AuditHead {
	return auth.AuditHead{Seq: number[int64](r), Hash: r.digest()}
}

// AuditHead is the zero one when somebody has taken the row out, which the records then belie.
func (t *tx) AuditHead() (auth.AuditHead, error) {
	h, err := one(t, "head of the audit log", scanAuditHead, `SELECT seq, hash FROM audit_head`)
	if errors.Is(err, store.ErrNotFound) {
		return auth.AuditHead{}, nil
	}
	return h, err
}

func (t *tx) Audit(after int64, limit int) ([]auth.AuditRecord, error) {
	return all(t, "audit log", scanAudit, `SELECT `+auditColumns+` FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`,
		after, atMost(limit))
}

func (t *tx) ForgetAudit(before time.Time, limit int) (int, error) {
	n, err := t.exec(`UPDATE audit SET personal = NULL WHERE seq IN (
		SELECT seq FROM audit WHERE personal IS NOT NULL AND at < ? ORDER BY at, seq LIMIT ?)`,
		before.UnixMicro(), atMost(limit))
	if err != nil {
		return 0, fmt.Errorf("forget personal data of the audit log: %w", err)
	}
	return int(n), nil
}

// atMost is a limit for SQLite, to which one below zero is none.
func atMost(limit int) int { return max(limit, 0) }
