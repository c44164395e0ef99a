package main

import (
	"context"
	"iter"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/load"
)

// approver is a phone that approves one sign-in after the other, by its own HTTP client.
type approver struct {
	phone *load.Phone
	links []string
}

// approvals are whole ones: the scan, the tap on Approve and the touch of the sensor,
// with its assertion.
func (b *bench) approvals(ctx context.Context, s *site) (work, error) {
	grants, err := s.begun(ctx, b.Approvals)
	if err != nil {
		return work{}, err
	}
	list := make([]*approver, len(s.phones))
	for i, p := range s.phones {
		list[i] = &approver{phone: p}
	}
	for i, g := range grants {
		a := list[i%len(list)]
		a.links = append(a.links, g.VerificationURIComplete)
	}
	client := func(i int) (load.Client, error) { return list[i], nil }
	return work{load.Plan{Clients: len(list), Time: b.Turn}, client}, nil
}

// Step implements load.Client.
func (a *approver) Step() error {
	if len(a.links) == 0 {
		return load.ErrDone
	}
	link := a.links[0]
	a.links = a.links[1:]
	return a.phone.Approve(link)
}

// Close implements load.Client: the phone goes on.
func (a *approver) Close() error { return nil }

// finishes are the last request of approvals, whose assertions were made before. A phone
// brings its own in their order, for its counter must grow.
func (b *bench) finishes(ctx context.Context, s *site) (work, error) {
	grants, err := s.begun(ctx, b.Finishes)
	if err != nil {
		return work{}, err
	}
	phones := len(s.phones)
	requests := make([][]load.Request, phones)
	err = share(ctx, phones, phones, func(_ int, mine iter.Seq[int]) (err error) {
		for p := range mine {
			for i := p; i < len(grants) && err == nil; i += phones {
				var r load.Request
				r, err = ready(s.phones[p], grants[i].VerificationURIComplete)
				requests[p] = append(requests[p], r)
			}
		}
		return err
	})
	if err != nil {
		return work{}, err
	}
	client := func(i int) (load.Client, error) {
		conn, err := load.Dial(s.server.Address)
		return &asker{Conn: conn, requests: requests[i], status: http.StatusOK}, err
	}
	return work{load.Plan{Clients: phones}, client}, nil
}

// ready does what comes before the finish, and returns that.
func ready(p *load.Phone, link string) (load.Request, error) {
	o, err := p.Scan(link)
	if err != nil {
		return nil, err
	}
	assertion, err := p.Touch(o)
	if err != nil {
		return nil, err
	}
	return p.FinishRequest(o, assertion)
}
