package grant_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
)

func TestEachNumberIsAsLikelyAsTheOthers(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	random := bytes.NewReader(every)
	seen := make(map[string]int)
	for {
		n, err := grant.NewNumber(random)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen[n]++
	}
	for i := range 100 {
		if n := fmt.Sprintf("%02d", i); seen[n] != 2 {
			t.Errorf("%s: drawn %d times from all bytes there are, want 2", n, seen[n])
		}
	}
	if len(seen) != 100 {
		t.Errorf("got %d numbers, want 100", len(seen))
	}
}

func TestWithoutChanceThereIsNoNumber(t *testing.T) {
	broken := errors.New("no chance left")
	if n, err := grant.NewNumber(io.MultiReader(bytes.NewReader([]byte{255, 200}), failing{broken})); n != "" || !errors.Is(err, broken) {
		t.Errorf("got %q, %v, want the reader's error", n, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestAwaitNumber(t *testing.T) {
	forBrowser, _, err := must(t)(asked().Claim(start, phone, []byte("c"))).Answer(start, phone)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		from    grant.Grant
		browser auth.BrowserID
		user    auth.UserID
		scopes  auth.Scopes
		number  string
		err     error
	}{
		{"after the passkey", answered(t), phone, ada, wanted, number, nil},
		{"with fewer scopes", answered(t), phone, ada, wanted[:1], number, nil},
		{"with no scopes left", answered(t), phone, ada, nil, number, nil},
		{"not with more scopes", answered(t), phone, ada, auth.Scopes{"openid", "files.write"}, number, grant.ErrNotClaimed},
		{"not in another browser", answered(t), other, ada, wanted, number, grant.ErrClaimed},
		{"not in no browser", answered(t), "", ada, wanted, number, grant.ErrClaimed},
		{"not by nobody", answered(t), phone, "", wanted, number, grant.ErrNotClaimed},
		{"not without a number", answered(t), phone, ada, wanted, "", grant.ErrNotClaimed},
		{"not while the challenge is open", in(t, grant.Confirming), phone, ada, wanted, number, grant.ErrNotClaimed},
		{"not for an authorization request, which has no desktop to type on", forBrowser, phone, ada, auth.Scopes{"openid"}, number, grant.ErrNotClaimed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := tt.from.AwaitNumber(start, tt.browser, tt.user, tt.scopes, tt.number)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				if after.State != tt.from.State || after.Number != "" || after.UserID != "" || after.Seq != tt.from.Seq {
					t.Errorf("a refusal changed the grant: %+v", after)
				}
				return
			}
			if after.State != grant.Verifying || after.Number != number || after.TriesLeft() != 3 || after.UserID != ada || !after.DecidedAt.Equal(start) {
				t.Errorf("got %+v, want it to await %s of ada, with three tries", after, number)
			}
			if got := after.Scopes.String(); got != tt.scopes.String() {
				t.Errorf("scopes: got %q, want %q", got, tt.scopes)
			}
		})
	}
}

func TestThreeWrongNumbersDenyTheGrant(t *testing.T) {
	g := in(t, grant.Verifying)
	for i, typed := range []string{"48", "4", "047"} {
		before := g
		var err error
		if g, err = g.Confirm(start, app, typed); !errors.Is(err, grant.ErrNumber) {
			t.Fatalf("%q: got %v, want ErrNumber", typed, err)
		}
		if g.TriesLeft() != 2-i || g.Seq != before.Seq+1 {
			t.Errorf("%q: got %d tries left and seq %d, want %d and %d", typed, g.TriesLeft(), g.Seq, 2-i, before.Seq+1)
		}
		if over := i == 2; (g.State == grant.Denied) != over || g.NumberFailed() != over {
			t.Errorf("%q: got %s, failed %t; want it denied after the third, and not before", typed, g.State, g.NumberFailed())
		}
	}
	if g.Voided() {
		t.Error("wrong numbers read like Void")
	}
	if _, err := g.Confirm(start, app, number); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("the right number after that: got %v, want ErrDenied", err)
	}
	if _, err := g.Redeem(start, app); !errors.Is(err, grant.ErrDenied) {
		t.Errorf("redeemed after that: got %v, want ErrDenied", err)
	}
	if after := g.Void(start); !after.NumberFailed() || after.Voided() {
		t.Error("Void hides that the numbers were wrong")
	}
}

func TestTheThirdNumberMayBeTheRightOne(t *testing.T) {
	g := in(t, grant.Verifying)
	for range 2 {
		g, _ = g.Confirm(start, app, "00")
	}
	g, err := g.Confirm(start, app, number)
	if err != nil || g.State != grant.Approved || g.NumberFailed() {
		t.Fatalf("got %s, %v, want it approved", g.State, err)
	}
	if g, err = g.Redeem(start, app); err != nil || g.UserID != ada {
		t.Errorf("redeemed: got %v and %q, want ada's", err, g.UserID)
	}
}

func TestTriesSurviveNothingThatGivesThemBack(t *testing.T) {
	g, _ := in(t, grant.Verifying).Confirm(start, app, "00")
	for name, do := range map[string]func() (grant.Grant, error){
		"a new claim":         func() (grant.Grant, error) { return g.Claim(start, phone, []byte("again")) },
		"a new number":        func() (grant.Grant, error) { return g.AwaitNumber(start, phone, ada, wanted, "11") },
		"an approval without": func() (grant.Grant, error) { return g.Approve(start, phone, ada, wanted) },
		"another opening":     func() (grant.Grant, error) { return g.Scan(start, other) },
	} {
		if after, _ := do(); after.State != grant.Verifying || after.TriesLeft() != 2 || after.Number != number {
			t.Errorf("%s: got %s with %d tries for %s, want verifying with 2 for %s", name, after.State, after.TriesLeft(), after.Number, number)
		}
	}
}

func TestOnlyWrongNumbersReadAsFailed(t *testing.T) {
	g, _ := in(t, grant.Verifying).Confirm(start, app, "00")
	g, _ = g.Confirm(start, app, "01")
	denied := must(t)(g.Deny(start, phone))
	cancelled := must(t)(g.Cancel(start, app))
	for name, g := range map[string]grant.Grant{"the person's denial": denied, "the desktop's cancelling": cancelled, "Void": g.Void(start)} {
		if g.NumberFailed() {
			t.Errorf("%s after two wrong numbers reads as wrong numbers", name)
		}
	}
	if denied.Voided() || !g.Void(start).Voided() {
		t.Error("a denial reads like Void, or Void does not")
	}
}

func TestApproveNeverWidensTheScopes(t *testing.T) {
	if _, err := answered(t).Approve(start, phone, ada, auth.Scopes{"openid", "files.write"}); !errors.Is(err, grant.ErrNotClaimed) {
		t.Errorf("more scopes than were asked for: got %v, want ErrNotClaimed", err)
	}
	g, err := answered(t).Approve(start, phone, ada, wanted[:2])
	if err != nil || g.Scopes.String() != "openid profile" {
		t.Errorf("fewer scopes: got %q, %v, want those", g.Scopes, err)
	}
}
