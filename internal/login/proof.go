package login

import (
	"context"
	"errors"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/store"
)

// admitProof checks the proof's nonce, and that it is new. The zero Proof is none. From
// then on it is taken for used, unless usedUp or settle finds that nothing came of it.
func (s *Service) admitProof(ctx context.Context, p dpop.Proof) error {
	if p.Thumbprint == "" {
		return nil
	}
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return err
	}
	if !keys.Nonces.Fresh(s.now(), p.Nonce) { // so it cannot come again, whatever the wall clock says
		return ErrNonce
	}
	if !s.replays.first(s.wall(), p) {
		return ErrReplay
	}
	return nil
}

// Nonce is what the next DPoP proofs must carry (RFC 9449 section 8).
func (s *Service) Nonce(ctx context.Context) (string, error) {
	keys, err := s.Keys.Read(ctx)
	if err != nil {
		return "", err
	}
	return keys.Nonces.Issue(s.now()), nil
}

func spendProof(tx store.Tx, p dpop.Proof) error {
	if p.Thumbprint == "" {
		return nil
	}
	return spend(tx, p)
}

// wasted is how many proofs that yielded nothing are written, overall: a flood of
// requests for codes and tokens that do not exist must not fill the database.
var wasted = ratelimit.Rate{Count: 100, Per: time.Second}

// usedUp remembers for all nodes an admitted proof whose request was refused, for it was
// used all the same, and returns the refusal. What yields something remembers its proof
// in its own transaction; and a request that the storage failed may come again as it is.
func (s *Service) usedUp(ctx context.Context, p dpop.Proof, why error) error {
	if p.Thumbprint == "" || why == nil || errors.Is(why, ErrReplay) {
		return why
	}
	if undecided(why) {
		s.replays.forget(p)
		return why
	}
	if s.wasted.Take(s.now(), "") > 0 {
		return why
	}
	err := s.Store.Update(store.Ahead(ctx), func(tx store.Tx) error { return spend(tx, p) })
	if errors.Is(err, ErrReplay) {
		return err
	}
	return why
}
