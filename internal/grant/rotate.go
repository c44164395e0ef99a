package grant

import (
	"hash/fnv"
	"time"

	"github.com/qrauthd/qrauthd/internal/clock"
)

// How a user code lives while its desktop is connected: it is replaced every
// RotateEvery, or up to RotateSpread sooner, and good for CodeGrace more, so a
// photographed QR code dies within a minute.
const (
	RotateEvery  = 45 * time.Second
	RotateSpread = 5 * time.Second
	CodeGrace    = 15 * time.Second
)

// Rotates reports whether the user code is still being replaced: until a
// browser has claimed the grant, after which a code would open nothing.
func (g Grant) Rotates(now time.Time) bool {
	s := g.StateAt(now)
	return g.Code != "" && (s == Pending || s == Scanned)
}

// RotationDue is when the code of the moment is to be replaced. How much sooner than
// RotateEvery that is, the code itself decides: all who ask agree, and ten thousand
// desktops that came in the same second do not come back in the same second for ever.
func (g Grant) RotationDue() time.Time { return g.CodeMintedAt.Add(RotateEvery - g.Code.spread()) }

// spread is less than RotateSpread, and as even as codes are.
func (c UserCode) spread() time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c))
	return (RotateSpread * time.Duration(h.Sum32()>>16) >> 16).Truncate(time.Millisecond) // as times are stored
}

// Rotate replaces the user code and leaves the old one its grace. ErrNotDue
// while the code is fresh, so that two sockets of one grant rotate it once.
func (g Grant) Rotate(now time.Time, fresh UserCode) (Grant, error) {
	if err := g.refusal(now); err != nil {
		return g, err
	}
	if !g.Rotates(now) || now.Before(g.RotationDue()) {
		return g, ErrNotDue
	}
	g.OldCode, g.OldCodeUntil = g.Code, now.Add(CodeGrace)
	g.Code, g.CodeMintedAt = fresh, now
	return g.changed(), nil
}

// Opens reports whether the user code opens this grant at that time: the code of
// the moment does while the grant lives, the one before it within its grace.
func (g Grant) Opens(now time.Time, code UserCode) bool {
	switch {
	case code == "":
		return false
	case code == g.Code:
		return true
	case code == g.OldCode:
		return clock.During(now, g.OldCodeUntil.Add(-CodeGrace), g.OldCodeUntil)
	}
	return false
}
