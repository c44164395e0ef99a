package phone

import (
	"errors"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/peer"
)

// open finds the grant of a user code. Whoever brings the key of the code's link has
// it from this server. Anybody else guesses, within the budget for that (RFC 8628
// section 5.1).
func (f *Face) open(r *http.Request, b browser, code grant.UserCode, key string) (sight login.Sight, err error) {
	find := func() error {
		sight, err = f.Login.Open(r.Context(), b.visitor(r), code)
		return err
	}
	ours, err := f.Login.LinkHolds(r.Context(), code, key)
	switch {
	case err != nil:
		return login.Sight{}, err
	case ours:
		err = find()
	default:
		err = f.guess(r, b, find)
	}
	return sight, err
}

// guess runs try, which looks a user code up, within the budget of whoever is there.
func (f *Face) guess(r *http.Request, b browser, try func() error) error {
	who, err := f.Login.Person(r.Context(), b.id())
	if err != nil {
		return err
	}
	guesser := budget.Guesser{Address: peer.Address(r), Browser: string(b.id()), Account: string(who.ID)}
	wrong := func(err error) bool { return errors.Is(err, login.ErrUnknownCode) }
	return f.Budgets.Guess(time.Now(), guesser, wrong, try)
}
