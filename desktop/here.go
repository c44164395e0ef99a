package desktop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/secret"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// hereTime is how long a sign-in in this computer's browser may take.
const hereTime = 10 * time.Minute

// ErrNotOffered: the server signs in by phone only.
var ErrNotOffered = errors.New("the server offers no sign-in in this computer's browser: use a phone")

// OffersHere reports whether the server offers what [Client.StartHere] begins. It
// asks for the server's metadata, unless they are known. The server may offer it and
// yet refuse this app, which needs the redirect URI http://127.0.0.1/callback there.
func (c *Client) OffersHere(ctx context.Context) (bool, error) {
	meta, err := c.metadata(ctx)
	return err == nil && offersHere(meta), err
}

// offersHere wants an authorization code with S256, and takes the defaults of RFC
// 8414 section 2 for what the server leaves out.
func offersHere(m wire.Metadata) bool {
	lists := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return m.AuthorizationEndpoint != "" &&
		slices.Contains(m.ChallengeMethodsSupported, wire.ChallengeS256) &&
		lists(m.ResponseTypesSupported, wire.ResponseTypeCode) &&
		lists(m.GrantTypesSupported, wire.GrantTypeCode)
}

// StartHere begins a sign-in in this computer's own browser (RFC 8252), for those
// who have their passkey or no phone here. The caller opens the link of the first
// update, which is there at once:
//
//	login, err := client.StartHere(ctx)
//	…
//	err = desktop.OpenBrowser(login.Current().Link())
//
// The answer comes to a port of this computer. The login goes from pending to
// approved and redeemed, or to denied, expired (after ten minutes), cancelled or
// failed; it has no code and no QR code. For ctx, and for when to call it, see
// [Client.Start]. Errors are those of Start, and ErrNotOffered.
func (c *Client) StartHere(ctx context.Context) (*Login, error) {
	meta, err := c.metadata(ctx)
	if err != nil {
		return nil, err
	}
	if !offersHere(meta) {
		return nil, ErrNotOffered
	}
	key, err := c.key.forNew(meta)
	if err != nil {
		return nil, err
	}
	d, err := openDoor(ctx, c, meta)
	if err != nil {
		return nil, fmt.Errorf("wait for the browser's answer: %w", err)
	}
	l, life := newLogin(ctx)
	h := newHere(c, l, d, meta, key)
	l.publish(h.view)
	go h.run(life)
	return l, nil
}

// here follows one sign-in by the browser to its end. One goroutine owns it; the
// door and the exchange of the code have goroutines of their own, and report to it.
type here struct {
	client   *Client
	login    *Login
	door     *door
	meta     wire.Metadata
	key      dpop.Key
	verifier secret.Text // RFC 7636 section 4.1

	view     Update
	session  *Session
	deadline time.Time   // view.Expires by the clock that can't be set
	code     secret.Text // the browser brought it; zero before
	answers  chan answer
	fetching bool // the code is being exchanged
}

func newHere(c *Client, l *Login, d *door, meta wire.Metadata, key dpop.Key) *here {
	h := &here{
		client: c, login: l, door: d, meta: meta, key: key,
		verifier: secret.Must(),
		deadline: time.Now().Add(hereTime),
		answers:  make(chan answer, 1),
	}
	expires := c.wall().Add(hereTime)
	h.view = Update{
		State:                   StatePending,
		Here:                    true,
		VerificationURI:         meta.AuthorizationEndpoint,
		VerificationURIComplete: h.link(),
		CodeExpires:             expires,
		Expires:                 expires,
	}
	return h
}

// link is the authorization request (RFC 6749 section 4.1.1).
func (h *here) link() string {
	u, err := url.Parse(h.meta.AuthorizationEndpoint)
	if err != nil {
		return "" // it was looked at with the rest of the metadata
	}
	q := u.Query() // RFC 6749 section 3.1: what the endpoint has of its own stays
	for param, values := range h.client.asking(h.key) {
		q[param] = values
	}
	q.Set(wire.ParamResponseType, wire.ResponseTypeCode)
	q.Set(wire.ParamRedirectURI, h.door.redirect)
	q.Set(wire.ParamState, h.door.want.state.Reveal())
	q.Set(wire.ParamCodeChallenge, h.verifier.Hash().String()) // RFC 7636 section 4.2
	q.Set(wire.ParamChallengeMethod, wire.ChallengeS256)
	u.RawQuery, u.Fragment = q.Encode(), ""
	return u.String()
}

// run follows the sign-in until it ends or ctx does.
func (h *here) run(ctx context.Context) {
	defer close(h.login.done)
	defer h.login.giveUp()
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // the code may be exchanged already
	h.follow(ctx, work)
	h.login.finish(h.view, h.session)
	h.log("the sign-in in the browser ended", "error", h.view.Err)
	h.takeLeave()
	cancel()
	if h.fetching {
		<-h.answers
	}
}

func (h *here) follow(ctx, work context.Context) {
	ticker := time.NewTicker(pulsePeriod)
	defer ticker.Stop()
	for !h.view.State.Terminal() {
		select {
		case <-ctx.Done():
			h.end(StateCancelled, ErrCancelled)
		case c := <-h.door.arrivals:
			h.arrived(work, c)
		case a := <-h.answers:
			h.fetching = false
			h.answered(a)
		case <-ticker.C:
			h.mindExpiry()
		}
	}
}

// arrived takes the browser's answer. There is only one: a second exchange of a code
// would end the session of the first (RFC 6749 section 4.1.2).
func (h *here) arrived(work context.Context, c callback) {
	switch {
	case !h.code.IsZero():
		return
	case c.err != nil:
		h.fail(c.err)
		return
	}
	h.code = c.code
	h.view.State, h.fetching = StateApproved, true
	h.login.publish(h.view)
	go func() { h.answers <- h.exchange(work, c.code) }()
}

// exchange trades the code for tokens (RFC 6749 section 4.1.3). A code is good
// once, so a server that refuses it after a lost answer has given tokens to nobody.
func (h *here) exchange(ctx context.Context, code secret.Text) answer {
	lost := false
	a := h.client.insist(ctx, h.meta.TokenEndpoint, h.key, url.Values{
		wire.ParamGrantType:    {wire.GrantTypeCode},
		wire.ParamCode:         {code.Reveal()},
		wire.ParamRedirectURI:  {h.door.redirect},
		wire.ParamCodeVerifier: {h.verifier.Reveal()},
	}, func(err error) bool {
		lost = lost || !neverSent(err)
		return false
	})
	if lost && refusedAs(a.err, wire.CodeInvalidGrant) {
		a.err = fmt.Errorf("%w: %w", ErrInterrupted, a.err)
	}
	return a
}

func (h *here) answered(a answer) {
	if a.outcome == outcomeTokens {
		h.session = newSession(h.client, h.key, a.tokens)
		h.end(StateRedeemed, nil)
		return
	}
	h.fail(a.err)
}

// mindExpiry ends the login by two clocks, as that of a code. What the browser has
// brought in time is exchanged all the same.
func (h *here) mindExpiry() {
	if !h.fetching && (h.client.past(h.view.Expires) || !time.Now().Before(h.deadline)) {
		h.end(StateExpired, ErrExpired)
	}
}

func (h *here) end(s State, err error) {
	h.view.State, h.view.Err = s, err
	h.view.Offline = errors.Is(err, ErrOffline)
}

// fail ends the login by an error, in the state of its own if it has one.
func (h *here) fail(err error) {
	switch {
	case errors.Is(err, ErrDenied):
		h.end(StateDenied, err)
	case errors.Is(err, ErrExpired):
		h.end(StateExpired, err)
	default:
		h.end(StateFailed, err)
	}
}

// takeLeave shuts the door. Without a session it revokes the code, which also ends
// the session that the code may have become, and tokens that arrive after all.
func (h *here) takeLeave() {
	ctx, stop := context.WithTimeout(context.Background(), leaveTime)
	defer stop()
	if h.session != nil {
		h.door.shut(ctx, endedWell)
		return
	}
	h.door.shut(ctx, endedBadly)
	if h.code.IsZero() {
		return
	}
	h.tell(ctx, h.code.Reveal(), hintCode)
	if !h.fetching {
		return
	}
	select {
	case a := <-h.answers:
		h.fetching = false
		if a.outcome == outcomeTokens {
			token, hint := a.tokens.revocable()
			h.tell(ctx, token, hint)
		}
	case <-ctx.Done():
	}
}

func (h *here) tell(ctx context.Context, token, hint string) {
	if err := h.client.revoke(ctx, h.meta, token, hint); err != nil {
		h.log("the server could not be told of the end", "error", err)
	}
}

func (h *here) log(msg string, args ...any) {
	h.client.log.Debug(msg, append(args, slog.String("state", string(h.view.State)))...)
}
