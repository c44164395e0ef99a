package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// refresher is a desktop that renews its session again and again.
type refresher struct {
	*load.Conn
	host   string
	token  string
	proofs []string // one a step; nil: the session is bound to no key
	bound  bool
}

// refreshes go on from one token to the next, a session for each client.
func (b *bench) refreshes(ctx context.Context, s *site) (work, error) {
	tokens, err := s.signedIn(ctx, b.Clients)
	if err != nil {
		return work{}, err
	}
	client := func(i int) (load.Client, error) {
		conn, err := load.Dial(s.server.Address)
		return &refresher{Conn: conn, host: s.server.Host, token: tokens[i].RefreshToken}, err
	}
	return work{load.Plan{Clients: b.Clients, Time: b.Turn}, client}, nil
}

// Step implements load.Client.
func (r *refresher) Step() error {
	var headers []string
	if r.bound {
		if len(r.proofs) == 0 {
			return load.ErrDone
		}
		headers, r.proofs = []string{wire.HeaderDPoP + ": " + r.proofs[0]}, r.proofs[1:]
	}
	answer, err := r.Do(load.Post(r.host, wire.PathToken, load.RefreshForm(r.token), headers...))
	if err == nil {
		err = check(answer, http.StatusOK, nil)
	}
	if err != nil {
		return err
	}
	r.token, err = refreshIn(answer.Body)
	return err
}

var errNoRefresh = errors.New("the answer has no refresh token")

// refreshIn finds the refresh token. To decode the whole answer would cost as much as
// all the rest that a client does.
func refreshIn(body []byte) (string, error) {
	_, rest, found := bytes.Cut(body, []byte(`"refresh_token":"`))
	token, _, ended := bytes.Cut(rest, []byte(`"`))
	if !found || !ended {
		return "", errNoRefresh
	}
	return string(token), nil
}
