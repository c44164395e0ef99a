package main

import (
	"context"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// plain is the yardstick's work: a poll's form, and the answer of a bare handler.
func (b *bench) plain(y rule) work {
	request := load.Post(y.server.Host, wire.PathToken, load.PollForm("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	a := asker{requests: same(request, b.Clients), repeats: true, status: http.StatusOK}
	return work{load.Plan{Clients: b.Clients, Time: b.Yardstick}, a.clients(y.server.Address, b.Clients)}
}

func same(r load.Request, n int) (list []load.Request) {
	for range n {
		list = append(list, r)
	}
	return list
}

// starts each make a grant.
func (b *bench) starts(_ context.Context, s *site) (work, error) {
	request := load.Post(s.server.Host, wire.PathDeviceAuthorization, load.StartForm("BENCH-PC"))
	a := asker{requests: same(request, b.Clients), repeats: true, status: http.StatusOK}
	return work{load.Plan{Clients: b.Clients, Time: b.Turn}, a.clients(s.server.Address, b.Clients)}, nil
}

// polls go round the grants of each client, which nobody approves.
func (b *bench) polls(ctx context.Context, s *site) (work, error) {
	grants, err := s.begun(ctx, b.Clients*b.Polled)
	if err != nil {
		return work{}, err
	}
	a := asker{requests: s.polling(grants), repeats: true, status: http.StatusBadRequest, says: []byte(wire.CodeAuthorizationPending)}
	return work{load.Plan{Clients: b.Clients, Time: b.Turn}, a.clients(s.server.Address, b.Clients)}, nil
}

// redeems each spend a grant that a phone has approved before.
func (b *bench) redeems(ctx context.Context, s *site) (work, error) {
	grants, err := s.approved(ctx, b.Redeems)
	if err != nil {
		return work{}, err
	}
	a := asker{requests: s.polling(grants), status: http.StatusOK, says: []byte(`"refresh_token"`)}
	return work{load.Plan{Clients: b.Clients}, a.clients(s.server.Address, b.Clients)}, nil
}

// polling are the polls of the grants.
func (s *site) polling(grants []wire.DeviceAuthorization) (list []load.Request) {
	for _, g := range grants {
		list = append(list, load.Post(s.server.Host, wire.PathToken, load.PollForm(g.DeviceCode)))
	}
	return list
}
