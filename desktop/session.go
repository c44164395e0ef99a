package desktop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// Session is a signed-in computer. It is an oauth2.TokenSource and safe for
// concurrent use.
type Session struct {
	client *Client

	mu    sync.Mutex // guards what follows
	token *oauth2.Token
	store Store // nil until saved
	over  bool  // signed out
}

var _ oauth2.TokenSource = (*Session)(nil)

func newSession(c *Client, tok *oauth2.Token) *Session { return &Session{client: c, token: tok} }

// UserInfo is what the app may know of the person.
type UserInfo struct {
	Subject string // names the account, for good
	Name    string // what to call the person; empty when the scopes don't tell
}

// Token returns the access token, ErrSignedOut after a sign-out, or ErrNoSession
// when its time is over.
func (s *Session) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, ErrSignedOut
	}
	if s.client.past(s.token.Expiry) {
		return nil, fmt.Errorf("%w: the last one has run out", ErrNoSession)
	}
	tok := *s.token
	return &tok, nil
}

// UserInfo asks the server who is signed in. ErrSignedOut says that the session
// was ended elsewhere, ErrOffline that there was no answer of the server's own: a
// proxy's or a gateway's 401 ends nothing.
func (s *Session) UserInfo(ctx context.Context) (UserInfo, error) {
	tok, err := s.Token()
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
	res, err := s.client.get(ctx, meta.UserInfoEndpoint, tok.AccessToken)
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

// HTTPClient returns a client that sends the access token with each request. Use
// it for the app's own servers only: whoever gets a request gets the token. It
// fails on http other than localhost's, and returns a redirect to another scheme
// or host as the response, for the caller to look at.
func (s *Session) HTTPClient() *http.Client {
	return &http.Client{
		Transport:     guarded{&oauth2.Transport{Source: s, Base: s.client.http.Transport}},
		CheckRedirect: stayHome,
	}
}

// SignOut ends the session: the server is told (RFC 7009), and the store forgets
// it whether or not the server could be reached. An error that is ErrOffline
// says that the server still holds the session until it runs out; the person
// can end it from the phone.
func (s *Session) SignOut(ctx context.Context) error {
	tok, err := s.Token()
	forgotten := s.forget()
	if err != nil {
		return forgotten // nothing is left to revoke
	}
	meta, err := s.client.metadata(ctx)
	if err == nil {
		err = s.client.revoke(ctx, meta, tok.AccessToken, hintAccessToken)
	}
	if err != nil {
		err = fmt.Errorf("tell the server of the sign-out: %w", err)
	}
	return errors.Join(err, forgotten)
}

// unauthorized ends the session when a 401 is the server's own word on the
// token. Whoever else stands in the way has no say in it.
func (s *Session) unauthorized(r reply) error {
	if r.invalidToken() {
		return s.ended()
	}
	said, _, _ := strings.Cut(r.header.Get("WWW-Authenticate"), " ")
	return fmt.Errorf("%w: %w (challenge %q)", ErrOffline, errNotItsWord, said)
}

// ended takes note that the server does not know the session any more.
func (s *Session) ended() error { return errors.Join(ErrSignedOut, s.forget()) }

// forget drops the session here and in its store.
func (s *Session) forget() error {
	s.mu.Lock()
	store := s.store
	s.over, s.store = true, nil
	s.mu.Unlock()
	if store == nil {
		return nil
	}
	if err := store.Delete(s.client.storeKey()); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("forget the session: %w", err)
	}
	return nil
}

var (
	errNoUserInfo = errors.New("the server does not tell who is signed in")
	errNotItsWord = errors.New("something answered 401 Unauthorized without saying invalid_token")
)
