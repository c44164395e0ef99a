package admin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// recorded are the events of the audit log after that record, which must be whole.
func recorded(t *testing.T, o admin.Operator, after int64) (list []auth.Event) {
	t.Helper()
	if _, err := audit.Verify(t.Context(), o.Store, audit.Check{}); err != nil {
		t.Fatal(err)
	}
	err := audit.Each(t.Context(), o.Store, after, func(r auth.AuditRecord) error {
		line, err := audit.Entry(r)
		e := auth.Event{Type: r.Type, Actor: r.Actor, ClientID: r.ClientID, Risk: r.Risk, Reasons: r.Reasons, Note: r.Note}
		if line.Personal != nil {
			e.Personal = line.Personal.Personal
		}
		list = append(list, e)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func newest(t *testing.T, o admin.Operator) int64 {
	t.Helper()
	var head auth.AuditHead
	err := o.Store.View(t.Context(), func(tx store.Tx) (err error) {
		head, err = tx.AuditHead()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return head.Seq
}

func TestWhatAnOperatorDoesIsInTheAuditLog(t *testing.T) {
	ada := auth.Personal{UserID: "u-ada", UserName: "Ada"}
	event := func(what auth.EventType, client auth.ClientID, note string, about auth.Personal) auth.Event {
		return auth.Event{Type: what, Actor: auth.ActorOperator, ClientID: client, Note: note, Personal: about}
	}
	for name, tc := range map[string]struct {
		do   func(*testing.T, admin.Operator) error
		want []auth.Event
	}{
		"a client is added": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.AddClient(t.Context(), admin.ClientRequest{
					ID: "kiosk", Name: "Kiosk", AuthMethod: auth.AuthSecret, Lifetime: time.Minute,
					Policy: auth.PolicyChange{Medium: ptr(auth.DemandPasskey)}, Networks: []string{"10.1.2.3/8"},
				})
				return err
			},
			[]auth.Event{event(auth.EventClientAdded, "kiosk", "name: Kiosk; authentication: none → client_secret; lifetime: 5m0s → 1m0s; "+
				"medium: as configured → passkey; networks: as configured → 10.0.0.0/8", auth.Personal{})},
		},
		"a client is changed": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{
					Name: ptr("Acme 2"), Verified: ptr(true), RedirectURIs: []string{"https://a.example"},
					Scopes: []string{"openid"},
				})
				return err
			},
			[]auth.Event{event(auth.EventClientChanged, "acme",
				"name: Acme → Acme 2; verified: no → yes; redirect URIs: http://127.0.0.1/callback http://[::1]/callback → https://a.example; "+
					"scopes: openid profile offline_access → openid", auth.Personal{})},
		},
		"a list is taken away": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{RedirectURIs: []string{}, Resources: []string{"urn:a:b"}})
				return err
			},
			[]auth.Event{event(auth.EventClientChanged, "acme",
				"redirect URIs: http://127.0.0.1/callback http://[::1]/callback → none; resources: urn:a:b", auth.Personal{})},
		},
		"a policy is given back": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.UpdateClient(t.Context(), "strict", admin.ClientChange{PolicyReset: []auth.PolicyField{auth.PolicyMedium, auth.PolicyNetworks}})
				return err
			},
			[]auth.Event{event(auth.EventClientChanged, "strict",
				"medium: refuse → as configured; networks: 10.0.0.0/8 → as configured", auth.Personal{})},
		},
		"what is long is cut": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{Scopes: []string{strings.Repeat("a", 61)}})
				return err
			},
			[]auth.Event{event(auth.EventClientChanged, "acme",
				"scopes: openid profile offline_access → "+strings.Repeat("a", 60)+"…", auth.Personal{})},
		},
		"a client is as it was": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{Name: ptr("Acme"), Verified: ptr(false)})
				return err
			}, nil,
		},
		"a client gets keys": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{AuthMethod: ptr(auth.AuthPrivateKey), Keys: publicPEM(t)})
				return err
			},
			[]auth.Event{event(auth.EventClientChanged, "acme", "authentication: none → private_key_jwt; keys", auth.Personal{})},
		},
		"a client is removed": {
			func(t *testing.T, o admin.Operator) error { return o.RemoveClient(t.Context(), "acme") },
			[]auth.Event{event(auth.EventClientRemoved, "acme", "", auth.Personal{})},
		},
		"a secret is rotated": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.RotateSecret(t.Context(), "strict", time.Hour)
				return err
			},
			[]auth.Event{event(auth.EventSecretRotated, "strict", "the one before works until 2026-03-01T13:00:00Z", auth.Personal{})},
		},
		"a secret is replaced": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.RotateSecret(t.Context(), "strict", 0)
				return err
			},
			[]auth.Event{event(auth.EventSecretRotated, "strict", "no other secret works any more", auth.Personal{})},
		},
		"a newcomer is invited": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.Invite(t.Context(), admin.InviteRequest{Name: "Eve"})
				return err
			},
			[]auth.Event{event(auth.EventUserInvited, "", "to make an account, until 2026-03-08T12:00:00Z", auth.Personal{UserName: "Eve"})},
		},
		"somebody who has an account is invited": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.Invite(t.Context(), admin.InviteRequest{User: "Ada", Lifetime: time.Hour})
				return err
			},
			[]auth.Event{event(auth.EventUserInvited, "", "to add a passkey, until 2026-03-01T13:00:00Z", ada)},
		},
		"an account is disabled, and a second time": {
			func(t *testing.T, o admin.Operator) error {
				_, _, err := o.Disable(t.Context(), "Ada")
				_, _, again := o.Disable(t.Context(), "Ada")
				return errors.Join(err, again)
			},
			[]auth.Event{event(auth.EventUserDisabled, "", "", ada)},
		},
		"an account is enabled, and a second time": {
			func(t *testing.T, o admin.Operator) error {
				_, err := o.Enable(t.Context(), "u-off")
				_, again := o.Enable(t.Context(), "u-off")
				return errors.Join(err, again)
			},
			[]auth.Event{event(auth.EventUserEnabled, "", "", auth.Personal{UserID: "u-off", UserName: "Off"})},
		},
		"an account is removed": {
			func(t *testing.T, o admin.Operator) error {
				_, err := o.RemoveUser(t.Context(), "Ada")
				return err
			},
			[]auth.Event{event(auth.EventUserRemoved, "", "", ada)},
		},
		"a key is rotated": {
			func(t *testing.T, o admin.Operator) error { return o.RecordKeyRotation(t.Context(), "ES256") },
			[]auth.Event{event(auth.EventKeyRotated, "", "ES256", auth.Personal{})},
		},
		"what is refused is not": {
			func(t *testing.T, o admin.Operator) error {
				_, _, e1 := o.AddClient(t.Context(), admin.ClientRequest{ID: "acme", Name: "Acme"})
				_, _, e2 := o.UpdateClient(t.Context(), "acme", admin.ClientChange{Name: ptr("")})
				_, _, e3 := o.UpdateClient(t.Context(), "nobody", admin.ClientChange{Verified: ptr(true)})
				_, _, e4 := o.RotateSecret(t.Context(), "acme", 0)
				_, _, e5 := o.Disable(t.Context(), "nobody")
				_, _, e6 := o.Invite(t.Context(), admin.InviteRequest{User: "Off"})
				_, e7 := o.RemoveUser(t.Context(), "Bob")
				_, e8 := o.LiftBlock(t.Context(), auth.BlockKey, "nothing")
				for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, o.RemoveClient(t.Context(), "nobody")} {
					if err == nil {
						t.Errorf("number %d is not refused", i+1)
					}
				}
				return nil
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			people(t, o)
			added(t, o, admin.ClientRequest{
				ID: "strict", Name: "Strict", AuthMethod: auth.AuthSecret, Networks: []string{"10.0.0.0/8"},
				Policy: auth.PolicyChange{Medium: ptr(auth.DemandRefuse)},
			})
			update(t, o.Store, func(tx store.Tx) error {
				return tx.AddUser(auth.User{ID: "u-off", Name: "Off", Disabled: true, CreatedAt: noon})
			})
			before := newest(t, o)
			if err := tc.do(t, o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, recorded(t, o, before), compareAddr); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestARepeatedDisableThatEndsSessionsIsRecorded: a session that was there all the same
// is not ended in silence.
func TestARepeatedDisableThatEndsSessionsIsRecorded(t *testing.T) {
	o := operator(t)
	people(t, o)
	update(t, o.Store, func(tx store.Tx) error {
		u, err := tx.User("u-ada")
		u.Disabled = true
		return errors.Join(err, tx.SetUser(u))
	})
	before := newest(t, o)
	if _, ended, err := o.Disable(t.Context(), "Ada"); err != nil || ended != 2 {
		t.Fatalf("got %d, %v, want 2 sessions ended", ended, err)
	}
	if got := recorded(t, o, before); len(got) != 1 || got[0].Type != auth.EventUserDisabled {
		t.Errorf("got %+v, want one event of an account that is disabled", got)
	}
}

func TestNoSecretIsInTheAuditLog(t *testing.T) {
	o := operator(t)
	_, first := added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", AuthMethod: auth.AuthSecret})
	_, second, err := o.RotateSecret(t.Context(), "acme", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	_, invitation, err := o.Invite(t.Context(), admin.InviteRequest{Name: "Eve"})
	if err != nil {
		t.Fatal(err)
	}
	err = audit.Each(t.Context(), o.Store, 0, func(r auth.AuditRecord) error {
		text := r.Note + string(r.Personal)
		for _, s := range []secret.Text{first, second, invitation} {
			if strings.Contains(text, s.Reveal()) || strings.Contains(text, s.Hash().String()) {
				t.Errorf("record %d has a secret or its hash in it: %s", r.Seq, text)
			}
		}
		return nil
	})
	if err != nil || newest(t, o) != 3 {
		t.Errorf("got %d records, %v, want 3", newest(t, o), err)
	}
}

// TestTheOperatorsWebhookHearsOfIt: the Recorder is the one that was given.
func TestTheOperatorsWebhookHearsOfIt(t *testing.T) {
	o := operator(t)
	o.Record.Notify = func(e auth.EventType) bool { return e == auth.EventClientAdded }
	added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme"})
	if err := o.RemoveClient(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	var due []auth.Message
	err := o.Store.View(t.Context(), func(tx store.Tx) (err error) {
		due, err = tx.DueMessages(noon, 10)
		return err
	})
	if err != nil || len(due) != 1 || !strings.Contains(string(due[0].Body), `"operator.client_added"`) {
		t.Errorf("got %d notices, %v, want the one of the client that was added", len(due), err)
	}
}

// TestNothingIsDoneThatCannotBeRecorded: the change and its record are one transaction.
func TestNothingIsDoneThatCannotBeRecorded(t *testing.T) {
	o := operator(t)
	people(t, o)
	o.Record.Random = strings.NewReader("") // of the salt of what is personal
	if _, err := o.RemoveUser(t.Context(), "Ada"); err == nil {
		t.Fatal("got no error")
	}
	if list, err := o.Users(t.Context()); err != nil || len(list) != 3 {
		t.Errorf("got %d users, %v, want all three", len(list), err)
	}
}
