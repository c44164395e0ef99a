package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/server"
)

type auditVerify struct {
	place
	Expect []head `sep:"none" placeholder:"SEQ:HASH" help:"Head that was noted before, and that the log must still have; may be repeated."`
}

// Help is the part below the flags.
func (auditVerify) Help() string {
	return `Reads the whole log, also while the server runs. The exit code is 0 when it is intact and 1 when it is not, or when whom a record is about was forgotten sooner than audit.keep says.

The head that it prints stands for all records up to it. Who can write to the database can write the whole log anew, so that it fits together again: note the head somewhere else, day by day, and name it here later.

Examples:

    qrauthd audit verify --data /var/lib/qrauthd
    qrauthd audit verify --expect 1204:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`
}

// Run verifies the log.
func (cmd auditVerify) Run(a *app) error {
	return a.operate(func(c config, o admin.Operator) error {
		show := newProgress(a.stderr)
		check := audit.Check{Progress: show.records}
		for _, h := range cmd.Expect {
			check.Expect = append(check.Expect, h.AuditHead)
		}
		report, err := audit.Verify(a.ctx, o.Store, check)
		show.end()
		if errors.Is(err, audit.ErrBroken) {
			return fmt.Errorf("%w\n%s", err, whatNext(report, server.Database(c.DataDir)))
		}
		if err != nil {
			return err
		}
		note, tooSoon := ofForgotten(report, c.AuditKeep, time.Now())
		if tooSoon {
			return fmt.Errorf("the chain holds (%d records, head %s), but %s", report.Records, audit.FormatHead(report.Head), note)
		}
		fmt.Fprintf(a.stdout, "intact: %d records, head %s\n", report.Records, audit.FormatHead(report.Head))
		if note != "" {
			fmt.Fprintln(a.stderr, note)
		}
		return nil
	})
}

// whatNext is what to do about a log that is broken.
func whatNext(good audit.Report, file string) string {
	return fmt.Sprintf(`What stands before it (records: %d) is as it was written. What to do now:
  - Keep a copy of %s as it is, and of the files beside it, before anything else.
  - Find out who could write to it. The server goes on recording.
  - Compare with an export or a backup from before: "qrauthd audit list --limit 0" shows what the log says now.`, good.Records, file)
}

// ofForgotten tells of personal data that was deleted, and whether that was sooner than
// the server does it: the chain cannot tell who has.
func ofForgotten(r audit.Report, keep time.Duration, now time.Time) (note string, tooSoon bool) {
	if r.Forgotten == 0 {
		return "", false
	}
	if keep == 0 || r.ForgottenUntil.After(now.Add(-keep)) {
		return fmt.Sprintf("whom a record of %s is about was deleted, sooner than audit.keep %s lets the server forget: somebody did it by hand, or audit.keep was less once",
			minute(r.ForgottenUntil), keep), true
	}
	return fmt.Sprintf("Forgotten is whom records are about: %d of them, the newest from %s.", r.Forgotten, minute(r.ForgottenUntil)), false
}

// head is one on the command line.
type head struct{ auth.AuditHead }

// UnmarshalText reads it in the form in which it is printed.
func (h *head) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		return errors.New("it is empty: name a head as \"audit verify\" prints it, SEQ:HASH")
	}
	h.AuditHead, err = audit.ParseHead(string(text))
	return err
}

// progress tells a person at a terminal how far a long reading is.
type progress struct {
	terminal io.Writer // nil: nobody is there
	shown    int64     // records that it spoke of last
}

// progressStep is how many records a person waits for without a word.
const progressStep = 10_000

// newProgress shows nothing where errors go to a file or another program.
func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return &progress{}
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{terminal: w}
}

// records shows the number of records so far, in a line that the next one overwrites.
func (p *progress) records(n int64) {
	if p.terminal == nil || n-p.shown < progressStep {
		return
	}
	fmt.Fprintf(p.terminal, "\r%d records …", n)
	p.shown = n
}

// end clears the line.
func (p *progress) end() {
	if p.shown > 0 {
		fmt.Fprint(p.terminal, "\r\x1b[K")
	}
}
