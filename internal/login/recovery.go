package login

import (
	"fmt"
	"io"
	"strings"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/store"
)

// recoveryCodeCount is how many recovery codes an account has at its creation.
const recoveryCodeCount = 10

// A recovery code is four groups of five from an alphabet without look-alikes:
// 32^20, 100 bits, far beyond guessing.
const (
	recoveryAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	recoveryGroups   = 4
	recoveryGroupLen = 5
)

// ParseRecoveryCode reads what a person typed: case, spaces and hyphens do not count.
func ParseRecoveryCode(typed string) secret.Text {
	return secret.From(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, strings.ToUpper(typed)))
}

// FormatRecoveryCode is the form in which a person is shown it.
func FormatRecoveryCode(code secret.Text) string {
	plain := code.Reveal()
	var groups []string
	for len(plain) > recoveryGroupLen {
		groups, plain = append(groups, plain[:recoveryGroupLen]), plain[recoveryGroupLen:]
	}
	return strings.Join(append(groups, plain), "-")
}

func newRecoveryCode(random io.Reader) (secret.Text, error) {
	b := make([]byte, recoveryGroups*recoveryGroupLen)
	if _, err := io.ReadFull(random, b); err != nil {
		return secret.Text{}, fmt.Errorf("draw a recovery code: %w", err)
	}
	for i := range b {
		b[i] = recoveryAlphabet[b[i]%byte(len(recoveryAlphabet))] // 256 is a multiple of 32: fair
	}
	return secret.From(string(b)), nil
}

// writeRecoveryCodes gives the user a fresh set; the old one is void.
func (s *Service) writeRecoveryCodes(tx store.Tx, user auth.UserID) ([]secret.Text, error) {
	codes := make([]secret.Text, recoveryCodeCount)
	kept := make([]auth.RecoveryCode, recoveryCodeCount)
	for i := range codes {
		code, err := newRecoveryCode(s.Random)
		if err != nil {
			return nil, err
		}
		codes[i] = code
		kept[i] = auth.RecoveryCode{Hash: code.Hash(), UserID: user, CreatedAt: s.wall()}
	}
	return codes, tx.SetRecoveryCodes(user, kept)
}
