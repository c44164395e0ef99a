package audit

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// maxNote is the length, in characters, to which the note of an event is cut.
const maxNote = 500

// Recorder writes events into the log, within the transaction that they tell of. The
// zero Recorder writes no notices.
type Recorder struct {
	// Notify names the events of which the operator's webhook is told as well; nil: none.
	Notify func(auth.EventType) bool
	Random io.Reader // default crypto/rand.Reader
}

// Record appends the event to the log, and puts a notice of it into the outbox if the
// operator is to be told. Names and the note are cleaned and cut first. Its errors are
// those of the store and of Random; the transaction must fail with them.
func (r Recorder) Record(tx store.Tx, now time.Time, e auth.Event) error {
	if err := r.record(tx, time.UnixMicro(now.UnixMicro()).UTC(), clean(e)); err != nil {
		return fmt.Errorf("record %s in the audit log: %w", e.Type, err)
	}
	return nil
}

func (r Recorder) record(tx store.Tx, now time.Time, e auth.Event) error {
	if err := r.add(tx, now, e); err != nil {
		return err
	}
	if r.Notify == nil || !r.Notify(e.Type) {
		return nil
	}
	m, err := newNotice(r.random(), now, e)
	if err != nil {
		return err
	}
	return tx.AddMessage(m)
}

// add chains the event to the head of the log.
func (r Recorder) add(tx store.Tx, now time.Time, e auth.Event) error {
	head, err := tx.AuditHead()
	if err != nil {
		return err
	}
	a := auth.AuditRecord{
		Seq: head.Seq + 1, At: now, Type: e.Type, Actor: e.Actor, ClientID: e.ClientID,
		Risk: e.Risk, Reasons: e.Reasons, Note: e.Note, Previous: head.Hash,
	}
	if a.Personal, err = sealPersonal(r.random(), e.Personal); err != nil {
		return err
	}
	a.PersonalHash = hashPersonal(a.Personal)
	a.Hash = Hash(a)
	return tx.AddAudit(a)
}

func (r Recorder) random() io.Reader { return cmp.Or[io.Reader](r.Random, rand.Reader) }

// clean is the event as it is written: strangers choose some of its words, and what
// is read back must be what was hashed.
func clean(e auth.Event) auth.Event {
	e.UserName = auth.CleanName(e.UserName)
	e.DeviceName = auth.CleanName(e.DeviceName)
	e.Place = auth.CleanName(e.Place)
	e.Note = plainNote(e.Note)
	e.Reasons = singleWords(e.Reasons)
	return e
}

// plainNote is the note in one line of characters that can be seen.
func plainNote(note string) string {
	plain := []rune(strings.Map(visible, note))
	return strings.TrimSpace(string(plain[:min(len(plain), maxNote)]))
}

func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// singleWords are the reasons without space in them, nil when there are none: a store
// may keep them as one text.
func singleWords(reasons []string) (list []string) {
	for _, reason := range reasons {
		if word := strings.Join(strings.Fields(reason), "_"); word != "" {
			list = append(list, word)
		}
	}
	return list
}
