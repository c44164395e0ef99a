package admin_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// happened writes events, an hour apart, the last an hour before noon.
func happened(t *testing.T, o admin.Operator, events ...auth.Event) {
	t.Helper()
	update(t, o.Store, func(tx store.Tx) error {
		for i, e := range events {
			at := noon.Add(-time.Duration(len(events)-i) * time.Hour)
			if err := (audit.Recorder{}).Record(tx, at, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// trail is the numbers of what is found.
func trail(t *testing.T, o admin.Operator, want admin.Trail) (seqs []int64) {
	t.Helper()
	lines, err := o.AuditTrail(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		seqs = append(seqs, l.Seq)
	}
	return seqs
}

func TestAuditTrail(t *testing.T) {
	by := func(id auth.UserID, name string) auth.Personal { return auth.Personal{UserID: id, UserName: name} }
	o := operator(t)
	update(t, o.Store, func(tx store.Tx) error {
		return errors.Join(
			tx.AddUser(auth.User{ID: "u-ada", Name: "Ada", CreatedAt: noon}),
			tx.AddUser(auth.User{ID: "u-new", Name: "Eve", CreatedAt: noon}),
		)
	})
	happened(
		t, o,
		auth.Event{Type: auth.EventClientAdded, Actor: auth.ActorOperator, ClientID: "acme"},
		auth.Event{Type: auth.EventApproved, Actor: auth.ActorPerson, ClientID: "acme", Personal: by("u-ada", "Ada")},
		auth.Event{Type: auth.EventSignedIn, Actor: auth.ActorDesktop, ClientID: "acme", Personal: by("u-ada", "")},
		auth.Event{Type: auth.EventDenied, Actor: auth.ActorPerson, ClientID: "other", Personal: by("u-bob", "Bob")}, // who is gone
		auth.Event{Type: auth.EventSignedOut, Actor: auth.ActorPerson, ClientID: "acme", Personal: by("u-old", "Eve")},
	)
	for name, tc := range map[string]struct {
		trail admin.Trail
		want  []int64
	}{
		"all":                             {admin.Trail{}, []int64{1, 2, 3, 4, 5}},
		"the newest two":                  {admin.Trail{Limit: 2}, []int64{4, 5}},
		"more than there are":             {admin.Trail{Limit: 50}, []int64{1, 2, 3, 4, 5}},
		"a type":                          {admin.Trail{Type: "sign_in.denied"}, []int64{4}},
		"the beginning of types":          {admin.Trail{Type: "sign_in."}, []int64{2, 3, 4}},
		"the newest of a client":          {admin.Trail{Client: "acme", Limit: 2}, []int64{3, 5}},
		"somebody by ID":                  {admin.Trail{User: "u-ada"}, []int64{2, 3}},
		"somebody by name":                {admin.Trail{User: "ADA"}, []int64{2, 3}},
		"somebody who is gone, by ID":     {admin.Trail{User: "u-bob"}, []int64{4}},
		"somebody who is gone, by name":   {admin.Trail{User: " bob "}, []int64{4}},
		"not another of the same name":    {admin.Trail{User: "Eve"}, nil},
		"the other of the same name":      {admin.Trail{User: "u-old"}, []int64{5}},
		"nobody":                          {admin.Trail{User: "\x07"}, nil},
		"since a time, that included":     {admin.Trail{Since: noon.Add(-2 * time.Hour)}, []int64{4, 5}},
		"until a time, that not included": {admin.Trail{Until: noon.Add(-2 * time.Hour)}, []int64{1, 2, 3}},
		"between two":                     {admin.Trail{Since: noon.Add(-4 * time.Hour), Until: noon.Add(-2 * time.Hour)}, []int64{2, 3}},
		"several filters":                 {admin.Trail{Type: "sign_in", Client: "acme", User: "Ada", Since: noon.Add(-3 * time.Hour)}, []int64{3}},
		"nothing":                         {admin.Trail{Type: "weather"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, trail(t, o, tc.trail)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuditTrailOfANameThatTwoHave(t *testing.T) {
	o := operator(t)
	people(t, o)
	if got, err := o.AuditTrail(t.Context(), admin.Trail{User: "Bob"}); !errors.Is(err, admin.ErrAmbiguous) {
		t.Errorf("got %v, %v, want ErrAmbiguous", got, err)
	}
}

// TestAuditTrailOfALongLog: what is wanted may stand in any stretch of it, and at their
// seams.
func TestAuditTrailOfALongLog(t *testing.T) {
	o := operator(t)
	const records = 1203
	var events []auth.Event
	for i := range records {
		events = append(events, auth.Event{Type: auth.EventSignedIn, Actor: auth.ActorDesktop, ClientID: auth.ClientID(fmt.Sprintf("c%d", i%400))})
	}
	happened(t, o, events...)
	for name, tc := range map[string]struct {
		trail admin.Trail
		want  []int64
	}{
		"one in each stretch":       {admin.Trail{Client: "c2"}, []int64{3, 403, 803, 1203}},
		"the newest of them":        {admin.Trail{Client: "c2", Limit: 3}, []int64{403, 803, 1203}},
		"the first record":          {admin.Trail{Until: noon.Add(-(records - 1) * time.Hour)}, []int64{1}},
		"the one at a seam":         {admin.Trail{Since: noon.Add(-501 * time.Hour), Until: noon.Add(-499 * time.Hour)}, []int64{703, 704}},
		"since long ago, of one":    {admin.Trail{Since: noon.Add(-900 * time.Hour), Client: "c2"}, []int64{403, 803, 1203}},
		"the newest one of them":    {admin.Trail{Limit: 1}, []int64{records}},
		"a limit of one stretch":    {admin.Trail{Limit: 1, Client: "c3"}, []int64{804}},
		"a limit that none reaches": {admin.Trail{Limit: 9, Client: "c399"}, []int64{400, 800, 1200}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, trail(t, o, tc.trail)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
	if got := trail(t, o, admin.Trail{}); len(got) != records {
		t.Errorf("got %d records, want all %d", len(got), records)
	}
	if got := trail(t, o, admin.Trail{Limit: 700}); len(got) != 700 || got[0] != 504 {
		t.Errorf("got %d records, the first %d, want 700 from 504 on", len(got), got[0])
	}
}

// headless is a store of which somebody has changed the head of the audit log by hand.
type headless struct {
	store.Store
	head auth.AuditHead
}

type headlessTx struct {
	store.Tx
	head auth.AuditHead
}

func (h headlessTx) AuditHead() (auth.AuditHead, error) { return h.head, nil }

func (s headless) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return fn(headlessTx{tx, s.head}) })
}

func TestAuditTrailBelievesNoHead(t *testing.T) {
	o := operator(t)
	happened(t, o, make([]auth.Event, 600)...)
	st := o.Store
	for _, seq := range []int64{0, -5, 1, 300, 600, 1 << 20, 1<<63 - 1} {
		o.Store = headless{st, auth.AuditHead{Seq: seq}}
		if got := trail(t, o, admin.Trail{}); len(got) != 600 || got[0] != 1 || got[599] != 600 {
			t.Errorf("with a head of %d: got %d records, want all 600", seq, len(got))
		}
		if diff := cmp.Diff([]int64{599, 600}, trail(t, o, admin.Trail{Limit: 2})); diff != "" {
			t.Errorf("with a head of %d: the newest two (-want +got):\n%s", seq, diff)
		}
	}
}

// TestAuditTrailOfClocksThatWereSet: a record is found that is younger than some that
// were written after it.
func TestAuditTrailOfClocksThatWereSet(t *testing.T) {
	o := operator(t)
	update(t, o.Store, func(tx store.Tx) error {
		for i := range 700 {
			at := noon.Add(-23 * time.Hour) // the clock was behind
			if i == 0 {
				at = noon
			}
			if err := (audit.Recorder{}).Record(tx, at, auth.Event{Type: auth.EventSignedIn}); err != nil {
				return err
			}
		}
		return nil
	})
	if diff := cmp.Diff([]int64{1}, trail(t, o, admin.Trail{Since: noon})); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}
