package desktop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Session is a signed-in computer. It is an oauth2.TokenSource and safe for
// concurrent use.
type Session struct {
	client *Client
	id     string   // of this sign-in, in a store
	key    dpop.Key // that the tokens are bound to; zero: bearer tokens

	keeping sync.Mutex // one dealing with the store at a time; taken before mu

	mu        sync.Mutex // guards what follows
	held      *tokens
	rotations int           // how often held was renewed, by whatever process
	renewal   *renewal      // under way; nil: none is
	store     Store         // nil until saved
	over      bool          // signed out
	gone      chan struct{} // closed when over becomes true
}

var _ oauth2.TokenSource = (*Session)(nil)

// newSession is for a sign-in that has just gone well.
func newSession(c *Client, key dpop.Key, held *tokens) *Session {
	return &Session{client: c, id: rand.Text(), key: key, held: held, gone: make(chan struct{})}
}

// UserInfo is what the app may know of the person.
type UserInfo struct {
	Subject string // names the account, for good
	Name    string // what to call the person; empty when the scopes don't tell
}

// Token returns an access token that is good for a while, and renews it first when
// it is about to run out; many callers at once make one request. It takes 40
// seconds at the very most, and as long as the store takes.
//
// Errors are ErrSignedOut when the session was ended, here or elsewhere;
// ErrNoSession when its time is over and there is no refresh token (the scope
// offline_access gives one); and ErrOffline when it can't be renewed just now,
// which ends nothing. An *OAuthError is a refusal that the server's operator may
// mend: it ends nothing either, and trying again does not help until then. One beside
// ErrSignedOut says why: the server does not know the app any more.
//
// A token of the type DPoP is good only with a proof beside it, which
// [Session.HTTPClient] sends.
func (s *Session) Token() (*oauth2.Token, error) {
	held, err := s.fresh(context.Background())
	if err != nil {
		return nil, err
	}
	return held.oauth2(), nil
}

// IDToken is the newest ID token (OpenID Connect Core section 2) as the server
// sent it, for a backend that verifies it. It is empty without the scope openid,
// and after a Restore until a renewal brings one: it is not kept.
func (s *Session) IDToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held.id
}

// UserInfo asks the server who is signed in. ErrSignedOut says that the session
// was ended elsewhere, ErrOffline that there was no answer of the server's own: a
// proxy's or a gateway's 401 ends nothing. Other errors are those of [Session.Token].
func (s *Session) UserInfo(ctx context.Context) (UserInfo, error) {
	held, err := s.fresh(ctx)
	if err != nil {
		return UserInfo{}, err
	}
	meta, err := s.client.metadata(ctx)
	if err != nil {
		return UserInfo{}, err
	}
	if meta.UserInfoEndpoint == "" {
		return UserInfo{}, errNoUserInfo
	}
	res, err := s.ask(ctx, meta.UserInfoEndpoint, held)
	if err != nil {
		return UserInfo{}, err
	}
	if res.status == http.StatusUnauthorized {
		return UserInfo{}, s.unauthorized(res)
	}
	var info wire.UserInfo
	if err := res.decode(&info); err != nil {
		return UserInfo{}, err
	}
	return UserInfo{Subject: info.Subject, Name: info.Name}, nil
}

// ask asks a resource of the server's own. An access token that it does not know
// anymore says little about a session that can be renewed: the renewal tells.
func (s *Session) ask(ctx context.Context, endpoint string, held *tokens) (reply, error) {
	res, err := s.client.send(ctx, request{endpoint: endpoint, tokens: held, key: s.key})
	if err != nil || res.status != http.StatusUnauthorized || !s.unknown(res) || held.refresh == "" {
		return res, err
	}
	if held, err = s.renewed(ctx, held); err != nil {
		return reply{}, err
	}
	return s.client.send(ctx, request{endpoint: endpoint, tokens: held, key: s.key})
}

// HTTPClient returns a client that sends the access token with each request, with
// a proof of the key where the token is bound to one. Use it for the app's own
// servers only: whoever gets a request gets the token. It fails on http other than
// localhost's, and returns a redirect to another scheme or host as the response,
// for the caller to look at. A server that wants a nonce of its own in the proof
// (RFC 9449 section 9), or does not know the access token anymore, is asked again
// once, if the body can be sent again: without
// a body, or with a GetBody, which http.NewRequest makes for what is in memory.
func (s *Session) HTTPClient() *http.Client {
	return &http.Client{
		Transport:     guarded{carrier{s}},
		CheckRedirect: stayHome,
	}
}

// SignOut ends the session: the server is told (RFC 7009), and the store forgets
// it whether or not the server could be reached. An error that is ErrOffline
// says that the server still holds the session until it runs out; the person
// can end it from the phone. After an error of the store's the record may still be
// there: call it again.
func (s *Session) SignOut(ctx context.Context) error {
	token, hint := s.revocable()
	forgotten := s.forget()
	if token == "" {
		return forgotten
	}
	meta, err := s.client.metadata(ctx)
	if err == nil {
		err = s.client.revoke(ctx, meta, token, hint)
	}
	if err != nil {
		err = fmt.Errorf("tell the server of the sign-out: %w", err)
	}
	return errors.Join(err, forgotten)
}

// revocable is what is to be revoked at a sign-out, empty when nothing is left.
func (s *Session) revocable() (token, hint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.lost() {
		return "", ""
	}
	return s.held.revocable()
}

// unauthorized ends the session when a 401 is the server's own word on the
// token. Whoever else stands in the way has no say in it.
func (s *Session) unauthorized(r reply) error {
	if s.unknown(r) {
		return s.ended()
	}
	said, _, _ := strings.Cut(r.header.Get("WWW-Authenticate"), " ")
	return fmt.Errorf("%w: %w (challenge %q)", ErrOffline, errNotItsWord, said)
}

// unknown reports whether the server says that it does not know the access token.
func (s *Session) unknown(r reply) bool {
	return r.says(wire.TokenTypeBearer, wire.CodeInvalidToken) || r.says(wire.TokenTypeDPoP, wire.CodeInvalidToken)
}

// ended takes note that the server does not know the session any more.
func (s *Session) ended() error { return errors.Join(ErrSignedOut, s.forget()) }

// endLocked marks the session as signed out. The caller holds the mutex.
func (s *Session) endLocked() {
	if !s.over {
		s.over = true
		close(s.gone)
	}
}

// standing is nil while the session can be used, now or later.
func (s *Session) standing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
		return ErrSignedOut
	case s.lost():
		return errRanOut
	}
	return nil
}

// lost reports whether the access token has run out and nothing renews it. The
// caller holds the mutex.
func (s *Session) lost() bool { return s.held.refresh == "" && s.client.past(s.held.expiry) }

// forget drops the session here and in its store. A store that failed is asked again
// by the next call.
func (s *Session) forget() error {
	s.mu.Lock()
	store := s.store
	s.endLocked()
	s.mu.Unlock()
	if store == nil {
		return nil
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if err := s.erase(store); err != nil {
		return fmt.Errorf("forget the session: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = nil
	return nil
}

// erase deletes the record if it is this session's, or nobody's. Another sign-in may
// have taken its place, and one that the store can't read just now may be another's.
func (s *Session) erase(store Store) error {
	k, err := s.client.read(store)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && k.ID != s.id:
		return nil
	case err != nil && !errors.Is(err, errUnreadable):
		return err
	}
	if err := store.Delete(s.client.storeKey()); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

var (
	errNoUserInfo = errors.New("the server does not tell who is signed in")
	errNotItsWord = errors.New("something answered 401 Unauthorized without saying invalid_token")
)
