package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// ErrBroken is what each *Fault is, by errors.Is.
var ErrBroken = errors.New("the audit log is broken")

// Fault is the first record at which the log is not what the server wrote.
type Fault struct {
	Seq int64  // of the record, or where it should be
	Why string // in plain words: what is wrong, and what may have happened
}

func (f *Fault) Error() string { return fmt.Sprintf("%v at record %d: %s", ErrBroken, f.Seq, f.Why) }

// Is makes a fault ErrBroken.
func (f *Fault) Is(target error) bool { return target == ErrBroken }

// Check is what Verify is to do beside following the chain. The zero Check is nothing.
type Check struct {
	// Expect are heads that were noted before. A log that does not have a record of
	// that number with that hash was written anew since, or is an older copy.
	Expect []auth.AuditHead
	// Progress, unless nil, is called after each page with the number of records that
	// were found to be good so far.
	Progress func(records int64)
}

// Report is what Verify has found to be good.
type Report struct {
	Records int64
	// Forgotten is how many records have no personal data any more, and ForgottenUntil
	// the time of the newest of them. The chain cannot tell who has deleted it: one that
	// is younger than what the operator lets be forgotten was deleted by hand.
	Forgotten      int64
	ForgottenUntil time.Time
	// Head is that of the log when its end was read: something to note for Check.Expect.
	Head auth.AuditHead
}

// Verify reads the whole log and returns a *Fault for the first record that was changed,
// taken out, put in, or moved, with a Report of those before. Other errors are the
// store's: nothing is known then. Records that are written meanwhile are no fault.
func Verify(ctx context.Context, st store.Store, c Check) (Report, error) {
	v := verification{check: c}
	// Records numbered below 1 are none that Each or a list would show.
	after, size := int64(math.MinInt64), pageSize
	for {
		p, err := readPage(ctx, st, after, size)
		switch {
		case err == nil:
		case ctx.Err() != nil || errors.Is(err, store.ErrUnavailable):
			return v.report, err
		case size > 1:
			size = 1 // to find out which record it is
			continue
		default:
			return v.report, v.fault("it cannot be read, because somebody changed it by hand or the file is damaged: %v", err)
		}
		if err := v.page(p); err != nil || p.last {
			return v.report, err
		}
		after = v.report.Head.Seq
	}
}

// verification is how far Verify has come.
type verification struct {
	check  Check
	report Report
}

// fault is one of the next record.
func (v *verification) fault(why string, args ...any) error {
	return &Fault{v.report.Records + 1, fmt.Sprintf(why, args...)}
}

func (v *verification) page(p page) error {
	for _, r := range p.records {
		if err := v.record(r); err != nil {
			return err
		}
	}
	if v.check.Progress != nil {
		v.check.Progress(v.report.Records)
	}
	if p.last {
		return v.end(p)
	}
	return nil
}

func (v *verification) record(r auth.AuditRecord) error {
	if err := v.link(r); err != nil {
		return err
	}
	if err := v.expected(r); err != nil {
		return err
	}
	v.report.Records++
	v.report.Head = auth.AuditHead{Seq: r.Seq, Hash: r.Hash}
	if isForgotten(r) {
		v.report.Forgotten++
		v.report.ForgottenUntil = later(v.report.ForgottenUntil, r.At)
	}
	return nil
}

// link is whether the record is the next one of the chain, and whole.
func (v *verification) link(r auth.AuditRecord) error {
	next := v.report.Records + 1
	switch {
	case r.Seq < next:
		return &Fault{r.Seq, fmt.Sprintf("it has no place in the log, where record %d comes next: somebody put it in by hand", next)}
	case r.Seq > next:
		return v.fault("%s: somebody took %s out of the log", missing(next, r.Seq-1), them(next, r.Seq-1))
	case r.Hash != Hash(r):
		return v.fault("what it says is not what its hash was made of: somebody changed it, or moved it here from another place")
	case r.Previous != v.report.Head.Hash:
		return v.fault("it was not written after the record that stands before it: somebody put another there, or took records out and numbered the rest anew")
	case len(r.Personal) > 0 && hashPersonal(r.Personal) != r.PersonalHash:
		return v.fault("its personal data is not what was written: somebody changed it, or put that of another record in its place")
	}
	return nil
}

// expected compares the record with what was noted of it before.
func (v *verification) expected(r auth.AuditRecord) error {
	for _, want := range v.check.Expect {
		if want.Seq == r.Seq && want.Hash != r.Hash {
			return v.fault("its hash is another than was noted before (%s): somebody wrote the log anew, from this record or an earlier one on", FormatHead(want))
		}
	}
	return nil
}

// end is whether the log ends where it did when the server wrote to it last, and not
// before what was noted.
func (v *verification) end(p page) error {
	last := v.report.Head
	switch {
	case errors.Is(p.headErr, store.ErrUnavailable):
		return fmt.Errorf("read the head of the audit log: %w", p.headErr)
	case p.headErr != nil:
		return &Fault{last.Seq, fmt.Sprintf("whether it is the newest cannot be told, because somebody changed the head of the log by hand or the file is damaged: %v", p.headErr)}
	case p.head.Seq > last.Seq:
		return v.fault("%s: somebody took the end of the log out", missing(last.Seq+1, p.head.Seq))
	case p.head != last:
		return &Fault{last.Seq, fmt.Sprintf("it is the newest, but the head of the log is %s: somebody put it in by hand, or changed the head", FormatHead(p.head))}
	}
	for _, want := range v.check.Expect {
		if want.Seq > last.Seq {
			return v.fault("%s, of which the last was noted before: somebody took the end of the log out, or put an older copy of the database in its place", missing(last.Seq+1, want.Seq))
		}
	}
	return nil
}

// missing says that the records from one to another are not there.
func missing(from, to int64) string {
	if from == to {
		return "it is missing"
	}
	return fmt.Sprintf("it is missing, and so are those up to record %d", to)
}

func them(from, to int64) string {
	if from == to {
		return "it"
	}
	return "them"
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
