package main

import (
	"context"
	"iter"
	"net/http"
	"runtime"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// dpopRefreshes are those of sessions that are bound to a key, all to the same. Their
// proofs are made before, for to sign one costs the desktop and not the server.
func (b *bench) dpopRefreshes(ctx context.Context, s *site) (work, error) {
	key, err := dpop.NewKey()
	if err != nil {
		return work{}, err
	}
	p := &prover{key: key, server: s.server}
	grants, err := s.approved(ctx, b.Clients)
	if err != nil {
		return work{}, err
	}
	list := make([]*refresher, len(grants))
	for i, g := range grants {
		if list[i], err = p.bind(g.DeviceCode); err != nil {
			return work{}, err
		}
	}
	if err := b.prove(ctx, p, list); err != nil {
		return work{}, err
	}
	client := func(i int) (load.Client, error) {
		var err error
		list[i].Conn, err = load.Dial(s.server.Address)
		return list[i], err
	}
	return work{load.Plan{Clients: b.Clients}, client}, nil
}

// prover makes proofs for the token endpoint.
type prover struct {
	key    dpop.Key
	server *load.Server
	nonce  string // the newest
}

func (p *prover) proof() (string, error) {
	to := dpop.Request{Method: http.MethodPost, URL: p.server.Issuer + wire.PathToken, Nonce: p.nonce}
	return p.key.Prove(time.Now(), to)
}

// bind redeems an approved grant with a proof, which binds its session to the key. The
// refresher that it returns has no connection yet.
func (p *prover) bind(deviceCode string) (*refresher, error) {
	conn, err := load.Dial(p.server.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answer, err := p.redeem(conn, deviceCode)
	if err == nil && answer.Status == http.StatusBadRequest { // it wants the nonce that it gave (RFC 9449 section 8)
		answer, err = p.redeem(conn, deviceCode)
	}
	if err == nil {
		err = check(answer, http.StatusOK, []byte(`"token_type":"`+wire.TokenTypeDPoP+`"`))
	}
	if err != nil {
		return nil, err
	}
	r := &refresher{host: p.server.Host, bound: true}
	r.token, err = refreshIn(answer.Body)
	return r, err
}

func (p *prover) redeem(conn *load.Conn, deviceCode string) (load.Answer, error) {
	proof, err := p.proof()
	if err != nil {
		return load.Answer{}, err
	}
	answer, err := conn.Do(load.Post(p.server.Host, wire.PathToken, load.PollForm(deviceCode), wire.HeaderDPoP+": "+proof))
	if answer.Nonce != "" {
		p.nonce = answer.Nonce
	}
	return answer, err
}

// prove makes the proofs of a turn, on all processors, and notes what one costs.
func (b *bench) prove(ctx context.Context, p *prover, list []*refresher) error {
	each := b.Refreshes / len(list)
	workers := runtime.GOMAXPROCS(0)
	began := time.Now()
	err := share(ctx, len(list), workers, func(_ int, mine iter.Seq[int]) error {
		for i := range mine {
			for range each {
				proof, err := p.proof()
				if err != nil {
					return err
				}
				list[i].proofs = append(list[i].proofs, proof)
			}
		}
		return nil
	})
	b.report.ProofCost = micros(time.Since(began)) * float64(workers) / float64(each*len(list))
	return err
}
