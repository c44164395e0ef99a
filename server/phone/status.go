package phone

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/gate"
	"github.com/qrauthd/qrauthd/internal/grant"
	"github.com/qrauthd/qrauthd/internal/peer"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// longPoll is how long a status request waits for news.
const longPoll = 20 * time.Second

// never is a seq that no grant has.
const never = -1

// status is what the page's script learns of the grant.
type status struct {
	Seq              int64       `json:"seq"`
	State            grant.State `json:"state"`
	UserCode         string      `json:"user_code,omitempty"` // to compare, while there is something to decide
	ExpiresIn        int         `json:"expires_in"`          // seconds
	ClaimedElsewhere bool        `json:"claimed_elsewhere"`
	// LinkKey belongs to UserCode, OpenedTwice warns, and TriesLeft is how many numbers
	// the desktop may still bring.
	LinkKey     string `json:"link_key,omitempty"`
	OpenedTwice bool   `json:"opened_twice"`
	TriesLeft   int    `json:"tries_left,omitempty"`
}

// status answers when the grant is further on than the page knows, or after a
// while. Without since it answers at once.
func (f *Face) status(w http.ResponseWriter, r *http.Request) error {
	b, id, err := f.grantOf(r)
	if err != nil {
		return err
	}
	since, err := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		since = never
	}
	g, err := f.await(w, r, id, since)
	if err != nil {
		return err
	}
	now := f.Login.Now()
	s := status{
		Seq:              g.SeqAt(now),
		State:            g.StateAt(now),
		ExpiresIn:        wire.Seconds(g.ExpiresAt.Sub(now)),
		ClaimedElsewhere: g.ClaimedElsewhere(b.id()),
		OpenedTwice:      g.OpenedTwice,
	}
	switch {
	case s.ClaimedElsewhere:
	case s.State == grant.Verifying:
		s.TriesLeft = g.TriesLeft()
	case s.State != grant.Approved && !over(s.State):
		s.UserCode = g.Code.String()
		if s.LinkKey, err = f.Login.LinkKey(r.Context(), g.Code); err != nil {
			return err
		}
	}
	respond(w, http.StatusOK, s)
	return nil
}

// await reads the grant until its seq is another than since, it is over, the time is up, the peer is
// gone or the server stops.
func (f *Face) await(w http.ResponseWriter, r *http.Request, id auth.GrantID, since int64) (grant.Grant, error) {
	wake, news := push.Signal()
	sub := f.Hub.Subscribe(id, wake) // before the read, so that nothing falls between
	defer sub.Close()
	patience := time.NewTimer(longPoll)
	defer patience.Stop()
	if from := peer.Address(r); f.Budgets.AcquireWait(from) {
		defer f.Budgets.ReleaseWait(from)
	} else {
		patience.Reset(0)
	}
	for {
		g, err := f.Login.Grant(r.Context(), id)
		now := f.Login.Now()
		// Another seq than the page knows is news; a grant that is over has no more.
		if err != nil || g.SeqAt(now) != since || over(g.StateAt(now)) {
			return g, err
		}
		gate.Leave(w) // who waits for news needs no place
		expiry := time.NewTimer(g.ExpiresAt.Sub(now))
		select {
		case <-news:
		case <-expiry.C:
		case <-patience.C:
			since = never
		case <-f.stopping:
			since = never
		case <-r.Context().Done():
			expiry.Stop()
			return g, r.Context().Err()
		}
		expiry.Stop()
	}
}

// over reports whether no other state can follow.
func over(s grant.State) bool { return wire.State(s).Terminal() }

// decided reports an error that says how the grant was decided meanwhile.
func decided(err error) bool {
	for _, cause := range []error{
		grant.ErrApproved, grant.ErrRedeemed, grant.ErrDenied, grant.ErrCancelled, grant.ErrExpired, grant.ErrClaimed,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
