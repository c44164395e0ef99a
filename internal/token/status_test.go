package token_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/token"
)

func TestStatusesTellWhatEachKeyDoes(t *testing.T) {
	old, next, last := succession(t)
	keys := []auth.Key{newDeriving(t), last, old, next}
	for name, tc := range map[string]struct {
		at              time.Duration
		last, old, next token.State
	}{
		"the first signs":             {0, token.Waits, token.Signs, token.Waits},
		"the next one signs":          {time.Hour, token.Waits, token.Stays, token.Signs},
		"the last one signs":          {90 * time.Minute, token.Signs, token.Stays, token.Stays},
		"the first one's tokens end":  {2 * time.Hour, token.Signs, token.Over, token.Stays},
		"the others' tokens have too": {150 * time.Minute, token.Signs, token.Over, token.Over},
	} {
		t.Run(name, func(t *testing.T) {
			want := []token.State{token.Derives, tc.last, tc.old, tc.next}
			if diff := cmp.Diff(want, statesOf(token.Statuses(keys, start.Add(tc.at)))); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

func statesOf(list []token.Status) (states []token.State) {
	for _, s := range list {
		states = append(states, s.State)
	}
	return states
}

func TestAStatusHasAllButTheKey(t *testing.T) {
	_, next, _ := succession(t)
	next.Sealed = true
	want := []token.Status{{
		ID: next.ID, Algorithm: "EdDSA", State: token.Waits, Sealed: true,
		CreatedAt: next.CreatedAt, SignsFrom: next.SignsFrom, ExpiresAt: next.ExpiresAt,
	}}
	if diff := cmp.Diff(want, token.Statuses([]auth.Key{next}, start)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := token.Statuses(nil, start); len(got) != 0 {
		t.Errorf("of no keys: got %+v", got)
	}
}

// TestOfKeysThatTakeOverTogetherTheOneThatIsToldSigns: the ring and the operator see
// the same, whatever the order in which the keys are read.
func TestOfKeysThatTakeOverTogetherTheOneThatIsToldSigns(t *testing.T) {
	keys := []auth.Key{newKey(t, token.ES256), newKey(t, token.ES256), newKey(t, token.ES256), newKey(t, token.ES256)}
	keys[1].CreatedAt = start.Add(-time.Hour)
	keys[2].CreatedAt = start.Add(-time.Minute)
	for range 4 {
		keys = append(keys[1:], keys[0])
		signer := kidOf(t, signAccess(t, newRing(t, keys...), accessClaims()))
		list := token.Statuses(keys, start)
		if i := slices.IndexFunc(list, func(s token.Status) bool { return s.State == token.Signs }); i < 0 || string(list[i].ID) != signer {
			t.Errorf("%s signs; the states are %v", signer, list)
		}
	}
}
