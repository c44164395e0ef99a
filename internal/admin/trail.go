package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// Trail says which records of the audit log are wanted. The zero Trail is all of them.
type Trail struct {
	Type   string // of the event, or its beginning, such as "sign_in."
	Client auth.ClientID
	// User is an account's ID, or its name where nobody else has it. Whoever is not there
	// any more is found by what the records say. Records whose personal data is forgotten
	// are nobody's.
	User  string
	Since time.Time // not before that time; zero: from the first on
	Until time.Time // before that time; zero: to the newest
	Limit int       // so many, the newest; 0: all
}

const (
	// stretch is how many records are read at once. No reading lasts for long.
	stretch = 500
	// unordered is by how much a record may be older than one before it: clocks are set,
	// and several nodes have several.
	unordered = 24 * time.Hour
)

// AuditTrail finds records of the audit log, and returns them in their order. It reads
// from the newest on backwards, and no further than it has to: where a stretch of the
// log is older than Since by more than a day, nothing before it is looked at. It does
// not look at whether the records are what was written; audit.Verify does.
func (o Operator) AuditTrail(ctx context.Context, t Trail) ([]audit.Line, error) {
	user, err := o.subject(ctx, t.User)
	if err != nil {
		return nil, err
	}
	head, err := o.auditHead(ctx)
	if err != nil {
		return nil, err
	}
	var found []audit.Line
	// What is beyond the head was put there by hand: it is shown, not hidden.
	from, to, step := before(head.Seq, stretch), int64(math.MaxInt64), int64(stretch)
	for {
		part, err := o.trail(ctx, from, to, t, user)
		if err != nil {
			return nil, err
		}
		found = t.newest(append(part.lines, found...))
		if t.Limit > 0 && len(found) == t.Limit {
			return found, nil
		}
		if from == 0 || part.read > 0 && part.newest.Before(t.Since.Add(-unordered)) && !t.Since.IsZero() {
			return found, nil
		}
		if part.read == 0 && step < math.MaxInt64/2 { // a gap, which may be a wide one
			step *= 2
		}
		from, to = before(from, step), from
	}
}

// newest are those of the lines that there is a limit for.
func (t Trail) newest(lines []audit.Line) []audit.Line {
	if t.Limit > 0 && len(lines) > t.Limit {
		return lines[len(lines)-t.Limit:]
	}
	return lines
}

// before is the number so many before that one, and 0 at least.
func before(seq, by int64) int64 { return max(seq-by, 0) }

func (o Operator) auditHead(ctx context.Context) (head auth.AuditHead, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		head, err = tx.AuditHead()
		return err
	})
	return head, err
}

// part is what was found in a part of the log.
type part struct {
	lines  []audit.Line
	read   int       // records, wanted or not
	newest time.Time // of them
}

// trail finds what is wanted of the records after one number, up to another.
func (o Operator) trail(ctx context.Context, from, to int64, t Trail, user func(*audit.Details) bool) (p part, err error) {
	for from < to {
		records, err := o.records(ctx, from)
		if err != nil {
			return part{}, err
		}
		for _, r := range records {
			if from = r.Seq; from > to {
				return p, nil
			}
			p.read++
			if r.At.After(p.newest) {
				p.newest = r.At
			}
			if line, ok := t.wants(r, user); ok {
				p.lines = append(p.lines, line)
			}
		}
		p.lines = t.newest(p.lines)
		if len(records) < stretch {
			return p, nil
		}
	}
	return p, nil
}

// records are the next ones after that number.
func (o Operator) records(ctx context.Context, after int64) (list []auth.AuditRecord, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		list, err = tx.Audit(after, stretch)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit log after record %d: %w", after, err)
	}
	return list, nil
}

// wants is the record as a line, if it is wanted.
func (t Trail) wants(r auth.AuditRecord, user func(*audit.Details) bool) (audit.Line, bool) {
	switch {
	case !strings.HasPrefix(string(r.Type), t.Type),
		t.Client != "" && r.ClientID != t.Client,
		!t.Since.IsZero() && r.At.Before(t.Since),
		!t.Until.IsZero() && !r.At.Before(t.Until):
		return audit.Line{}, false
	}
	line, _ := audit.Entry(r) // what cannot be read is left out of the line, and that can be seen
	return line, user(line.Personal)
}

// subject tells whether a record is about the person.
func (o Operator) subject(ctx context.Context, idOrName string) (func(*audit.Details) bool, error) {
	if idOrName == "" {
		return func(*audit.Details) bool { return true }, nil
	}
	var u auth.User
	err := o.Store.View(ctx, func(tx store.Tx) (err error) {
		u, err = findUser(tx, idOrName)
		return err
	})
	switch {
	case errors.Is(err, ErrNoUser): // any more, perhaps
		name := auth.CleanName(idOrName)
		return func(d *audit.Details) bool {
			return d != nil && (string(d.UserID) == idOrName || name != "" && strings.EqualFold(d.UserName, name))
		}, nil
	case err != nil:
		return nil, err
	}
	return func(d *audit.Details) bool { return d != nil && d.UserID == u.ID }, nil
}
