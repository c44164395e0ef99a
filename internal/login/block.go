package login

import (
	"net/netip"
	"slices"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/internal/store"
)

// blocked reports whether the user has reported the desktop's key or its address.
func (s *Service) blocked(tx store.Tx, key string, origin netip.Addr, user auth.UserID) (bool, error) {
	byKey, byAddress, err := s.blocksOn(tx, key, origin)
	mine := func(b auth.Block) bool { return b.UserID == user }
	return slices.ContainsFunc(byKey, mine) || slices.ContainsFunc(byAddress, mine), err
}

// addressReporters is how many people must have reported an address before it counts
// against others: many share one, and one of them may be wrong, or mean.
const addressReporters = 2

// reported reports whether others than the user have reported the desktop.
func (s *Service) reported(tx store.Tx, key string, origin netip.Addr, user auth.UserID) (bool, error) {
	byKey, byAddress, err := s.blocksOn(tx, key, origin)
	mine := func(b auth.Block) bool { return b.UserID == user }
	byKey, byAddress = slices.DeleteFunc(byKey, mine), slices.DeleteFunc(byAddress, mine)
	return len(byKey) > 0 || len(byAddress) >= addressReporters, err
}

// blocksOn are the blocks in force on the desktop's key and on its address, one of
// each person at most.
func (s *Service) blocksOn(tx store.Tx, key string, origin netip.Addr) (byKey, byAddress []auth.Block, err error) {
	over := func(b auth.Block) bool { return !b.Holds(s.wall()) }
	if key != "" {
		if byKey, err = tx.BlocksOn(auth.BlockKey, key); err != nil {
			return nil, nil, err
		}
	}
	if origin.IsValid() && !s.AddressesUnsure {
		if byAddress, err = tx.BlocksOn(auth.BlockAddress, ratelimit.AddressKey(origin)); err != nil {
			return nil, nil, err
		}
	}
	return slices.DeleteFunc(byKey, over), slices.DeleteFunc(byAddress, over), nil
}

// block keeps the desktop from the account.
func (s *Service) block(tx store.Tx, v Visitor, session auth.Session) error {
	wall := s.wall()
	var blocks []auth.Block
	if session.KeyThumbprint != "" {
		blocks = append(blocks, auth.Block{Kind: auth.BlockKey, Value: session.KeyThumbprint, UserID: session.UserID, CreatedAt: wall})
	}
	near := risk.Compare(risk.Spot{Address: session.StartedFrom}, risk.Spot{Address: v.Address}) == risk.Same
	if session.StartedFrom.IsValid() && !near && !s.AddressesUnsure {
		blocks = append(blocks, auth.Block{
			Kind: auth.BlockAddress, Value: ratelimit.AddressKey(session.StartedFrom), UserID: session.UserID,
			CreatedAt: wall, ExpiresAt: wall.Add(auth.BlockedAddress),
		})
	}
	for _, b := range blocks {
		if err := tx.PutBlock(b); err != nil {
			return err
		}
	}
	return nil
}
