package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
)

type auditExport struct {
	place
	Since  moment `placeholder:"TIME" help:"Begin with the first record that is not from before: a time (2026-03-01T12:00:00Z), a day (2026-03-01, in UTC), or so long ago (24h, 7d)."`
	Output string `placeholder:"FILE" help:"Write to this new file, which only you may read (default: standard output)."`
}

// Help is the part below the flags.
func (auditExport) Help() string {
	return `Writes one JSON object a line, each with its hash and that of the one before, so that another program can verify it without the database. It does not verify anything itself.

Examples:

    qrauthd audit export --data /var/lib/qrauthd | gzip > audit.jsonl.gz
    qrauthd audit export --since 2026-03-01 --output audit-2026-03.jsonl`
}

// Run writes the records.
func (cmd auditExport) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		if cmd.Output == "" {
			return cmd.export(a, o, a.stdout)
		}
		return toNewFile(cmd.Output, func(w io.Writer) error { return cmd.export(a, o, w) })
	})
}

// toNewFile makes a file, which is not there afterwards if write fails.
func toNewFile(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists already: name another file, for none is overwritten", path)
	}
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func (cmd auditExport) export(a *app, o admin.Operator, w io.Writer) error {
	out := bufio.NewWriter(w)
	e := newLineEncoder(out)
	var n int64
	var last auth.AuditHead
	err := audit.Each(a.ctx, o.Store, 0, func(r auth.AuditRecord) error {
		if n == 0 && r.At.Before(cmd.Since.Time) {
			return nil
		}
		line, err := audit.Entry(r)
		if err != nil {
			fmt.Fprintf(a.stderr, "note: %s: run \"qrauthd audit verify\"\n", err)
		}
		n, last = n+1, auth.AuditHead{Seq: r.Seq, Hash: r.Hash}
		return e.Encode(line)
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("export the audit log after %d records: %w", n, err)
	}
	fmt.Fprintf(a.stderr, "exported %d records%s\n", n, upTo(last))
	return nil
}

// upTo names the last of the records, to note for "audit verify --expect".
func upTo(last auth.AuditHead) string {
	if last == (auth.AuditHead{}) {
		return ""
	}
	return ", up to " + audit.FormatHead(last)
}
