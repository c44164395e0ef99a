package audit

import (
	"context"
	"fmt"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// pageSize is how many records are read at once: no reading lasts for long, however
// long the log is.
const pageSize = 500

// page is some of the log's records, in their order.
type page struct {
	records []auth.AuditRecord
	// last: there were no more when they were read. The head is of the very same
	// moment then, or could not be read.
	last    bool
	head    auth.AuditHead
	headErr error
}

// readPage reads up to size records that come after that one.
func readPage(ctx context.Context, st store.Store, after int64, size int) (p page, err error) {
	err = st.View(ctx, func(tx store.Tx) error {
		records, err := tx.Audit(after, size)
		p = page{records: records, last: len(records) < size}
		if err == nil && p.last {
			p.head, p.headErr = tx.AuditHead()
		}
		return err
	})
	if err != nil {
		return page{}, fmt.Errorf("read the audit log after record %d: %w", after, err)
	}
	return p, nil
}

// Each calls fn with the records that come after the one with that number, 0 for all,
// in their order, up to the newest. It stops with the first error of fn or of the
// store. What fn takes its time for holds up nobody.
func Each(ctx context.Context, st store.Store, after int64, fn func(auth.AuditRecord) error) error {
	for {
		p, err := readPage(ctx, st, after, pageSize)
		if err != nil {
			return err
		}
		for _, r := range p.records {
			if err := fn(r); err != nil {
				return err
			}
			after = r.Seq
		}
		if p.last {
			return nil
		}
	}
}
