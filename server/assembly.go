package server

import (
	"context"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/passkey"
	"github.com/qrauthd/qrauthd/internal/push"
	"github.com/qrauthd/qrauthd/mobileweb"
	"github.com/qrauthd/qrauthd/server/oauth"
	"github.com/qrauthd/qrauthd/server/phone"
)

// assemble builds the use cases, what measures them, and the faces over them, and ends
// what another run has left that is not to go on.
func (s *Server) assemble(ctx context.Context) error {
	hub := new(push.Hub)
	for _, build := range []func(*push.Hub) error{s.buildUseCases, s.buildMetrics, s.buildFaces} {
		if err := build(hub); err != nil {
			return err
		}
	}
	s.root = s.handler()
	return s.login.Resume(ctx)
}

func (s *Server) buildUseCases(hub *push.Hub) error {
	name := s.config.Brand.Name
	if name == "" {
		name = s.issuer.Host
	}
	party, err := passkey.New(s.issuer, name)
	if err != nil {
		return err
	}
	s.login = login.New(login.Config{
		Issuer:           s.Issuer(),
		Store:            s.store,
		Passkeys:         party,
		Hub:              hub,
		Log:              s.log,
		Policies:         s.config.Policies,
		Atlas:            s.atlas,
		AddressesUnsure:  s.behindUnnamedProxy(),
		Record:           s.config.Recorder(),
		OpenRegistration: s.openRegistration(),
		AccessLifetime:   s.config.AccessTokenLifetime,
		SessionIdle:      s.config.SessionIdle,
		SessionLifetime:  s.config.SessionLifetime,
		Keys:             s.keys,
		NoPace:           s.config.Limits.Off,
		Clock:            s.clock,
	})
	return nil
}

func (s *Server) buildMetrics(hub *push.Hub) (err error) {
	s.options = s.options.withRegistry()
	if s.metrics, err = newMetrics(s.options.Registerer, hub); err != nil {
		return err
	}
	if err := s.health.register(s.options.Registerer); err != nil {
		return err
	}
	return newLedger(s.store, s.clock.Now, s.log).register(s.options.Registerer)
}

// buildFaces makes both: what the one spends of a budget is spent for the other.
func (s *Server) buildFaces(hub *push.Hub) error {
	site, err := mobileweb.New(mobileweb.Options{
		Brand: mobileweb.Brand(s.config.Brand),
		Host:  s.issuer.Host,
		Base:  s.issuer.Path,
	})
	if err != nil {
		return err
	}
	if err := s.buildGates(); err != nil {
		return err
	}
	budgets := budget.New(s.config.Limits.budget())
	s.phone = phone.New(phone.Config{
		Issuer:           s.issuer,
		Login:            s.login,
		Hub:              hub,
		Site:             site,
		OpenRegistration: s.openRegistration(),
		ScopeWords:       s.config.ScopeWords,
		Budgets:          budgets,
		Gates:            s.gates,
		Log:              s.log,
	})
	s.oauth = oauth.New(oauth.Config{
		Issuer:  s.issuer,
		Login:   s.login,
		Hub:     hub,
		Pages:   s.phone,
		Budgets: budgets,
		Gates:   s.gates,
		Log:     s.log,
	})
	return nil
}

func (s *Server) openRegistration() bool { return s.config.Registration == RegistrationOpen }
