package admin

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/store"
)

// record writes into the audit log what the operator has done, in the transaction in
// which it is done.
func (o Operator) record(tx store.Tx, now time.Time, e auth.Event) error {
	e.Actor = auth.ActorOperator
	return o.Record.Record(tx, now, e)
}

func (o Operator) recordUser(tx store.Tx, what auth.EventType, u auth.User) error {
	return o.record(tx, o.now(), auth.Event{Type: what, Personal: auth.Personal{UserID: u.ID, UserName: u.Name}})
}

// recordChange records nothing of a client that is as it was.
func (o Operator) recordChange(tx store.Tx, now time.Time, was, is auth.Client) error {
	note := differences(was, is)
	if note == "" {
		return nil
	}
	return o.record(tx, now, auth.Event{Type: auth.EventClientChanged, ClientID: is.ID, Note: note})
}

// RecordKeyRotation writes into the audit log that the operator had another key
// follow. The rotation itself is package keyring's, and over by then.
func (o Operator) RecordKeyRotation(ctx context.Context, note string) error {
	now := o.now()
	return o.Store.Update(ctx, func(tx store.Tx) error {
		return o.record(tx, now, auth.Event{Type: auth.EventKeyRotated, Note: note})
	})
}

// clientField is something of a client that may change.
type clientField struct {
	name string
	text func(auth.Client) string
	mute bool // only that it changed is told
}

func clientFields() []clientField {
	list := []clientField{
		{"name", func(c auth.Client) string { return c.Name }, false},
		{"verified", func(c auth.Client) string { return yesNo(c.Verified) }, false},
		{"authentication", func(c auth.Client) string { return string(c.AuthMethod) }, false},
		{"keys", func(c auth.Client) string { return string(c.Keys) }, true},
		{"redirect URIs", func(c auth.Client) string { return strings.Join(c.RedirectURIs, " ") }, false},
		{"resources", func(c auth.Client) string { return strings.Join(c.Resources, " ") }, false},
		{"introspected resources", func(c auth.Client) string { return strings.Join(c.Introspects, " ") }, false},
		{"pairwise subjects", func(c auth.Client) string { return yesNo(c.Pairwise) }, false},
		{"DPoP required", func(c auth.Client) string { return yesNo(c.RequireDPoP) }, false},
		{"scopes", func(c auth.Client) string { return c.Scopes.String() }, false},
		{"lifetime", func(c auth.Client) string { return c.Lifetime.String() }, false},
		{"interval", func(c auth.Client) string { return c.Interval.String() }, false},
	}
	for _, f := range auth.PolicyFields() {
		list = append(list, clientField{string(f), func(c auth.Client) string { return ownPolicy(c, f) }, false})
	}
	return list
}

// beyondDefaults tells in a line what a new client is beyond what it would be by itself.
func beyondDefaults(c auth.Client) string {
	plain := unsaid()
	if c.AuthMethod == auth.AuthNone {
		plain.RedirectURIs = LoopbackRedirectURIs()
	}
	return differences(plain, c)
}

// ownPolicy is what the client's own record says of the setting.
func ownPolicy(c auth.Client, f auth.PolicyField) string {
	if !c.Policy.Says(f) {
		return "as configured"
	}
	return auth.Policy{}.With(c.Policy).Text(f)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// differences tells in a line what of the client is another than before. Nothing of it
// is secret: secrets and what they are stored as are not among the fields.
func differences(was, is auth.Client) string {
	var list []string
	for _, f := range clientFields() {
		before, after := f.text(was), f.text(is)
		switch {
		case before == after:
		case f.mute:
			list = append(list, f.name)
		case before == "":
			list = append(list, fmt.Sprintf("%s: %s", f.name, brief(after)))
		case after == "":
			list = append(list, fmt.Sprintf("%s: %s → none", f.name, brief(before)))
		default:
			list = append(list, fmt.Sprintf("%s: %s → %s", f.name, brief(before), brief(after)))
		}
	}
	return strings.Join(list, "; ")
}

// maxBrief is how much of a value stands in a note, in bytes.
const maxBrief = 60

func brief(value string) string {
	if len(value) <= maxBrief {
		return value
	}
	end := maxBrief
	for !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end] + "…"
}
