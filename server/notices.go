package server

import (
	"github.com/qrauthd/qrauthd/internal/webhook"
)

// newWebhook is who tells the operator's service of events; nil when there is none.
func (s *Server) newWebhook() (*webhook.Sender, error) {
	if s.config.Webhook.URL == "" {
		return nil, nil
	}
	to, err := s.config.Webhook.parseURL()
	if err != nil {
		return nil, err
	}
	secret, err := s.config.Webhook.secret()
	if err != nil {
		return nil, err
	}
	return webhook.New(webhook.Config{
		URL:    to,
		Secret: secret,
		Store:  s.store,
		Log:    s.log,
		Now:    s.now,
		Record: s.config.Recorder(),
	})
}
