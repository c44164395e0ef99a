package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/webhook"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// Webhook is where the operator's own service is told of events, as Standard Webhooks
// has it. Without a URL nobody is told.
type Webhook struct {
	URL string // https; http for this very machine
	// Secret signs the notices: whsec_ and 24 to 64 bytes in base64. There may be
	// several with spaces between them, while one takes over from another. SecretFile
	// names a file that holds them and that only the server's user may read. One of the two.
	Secret     string
	SecretFile string
	// Events are the types to tell of; AllEvents: all of them.
	Events []string
}

// AllEvents stands for every type of event.
const AllEvents = "*"

// makeSecret is how to come by one.
const makeSecret = `make one with: echo "whsec_$(head -c 32 /dev/urandom | base64)"`

// DefaultWebhookEvents are those that an operator has to know of.
func DefaultWebhookEvents() []string {
	return []string{string(auth.EventSignedIn), string(auth.EventDenied), string(auth.EventReported), string(auth.EventReused)}
}

// eventTypes are all that can be told: that a notice was given up cannot.
func eventTypes() []auth.EventType {
	return []auth.EventType{
		auth.EventOpenedTwice, auth.EventClaimRefused, auth.EventApproved, auth.EventPasskeyFailed, auth.EventNumberWrong,
		auth.EventConfirmed, auth.EventDenied, auth.EventRefused, auth.EventCancelled, auth.EventSignedIn,
		auth.EventSignedOut, auth.EventReported, auth.EventReused, auth.EventDeviceOK,
		auth.EventAccountCreated, auth.EventPhoneSignedIn, auth.EventPhoneRefused, auth.EventPasskeyAdded, auth.EventPasskeyRemoved,
		auth.EventRecovered, auth.EventCodesRenewed,
		auth.EventClientAdded, auth.EventClientChanged, auth.EventClientRemoved, auth.EventSecretRotated, auth.EventKeyRotated,
		auth.EventUserInvited, auth.EventUserDisabled, auth.EventUserEnabled, auth.EventUserRemoved, auth.EventBlockLifted,
	}
}

// Recorder is how the audit log is written with this configuration: with notices to the
// webhook, if there is one.
func (c Config) Recorder() audit.Recorder { return audit.Recorder{Notify: c.Webhook.notify()} }

// notify reports of which events the operator is to be told; nil: of none.
func (w Webhook) notify() func(auth.EventType) bool {
	if w.URL == "" {
		return nil
	}
	return func(t auth.EventType) bool {
		return slices.Contains(w.Events, string(t)) || slices.Contains(w.Events, AllEvents)
	}
}

func (w Webhook) validate() error {
	if w.URL == "" {
		if w.Secret != "" || w.SecretFile != "" {
			return errors.New("webhook has a secret but no url: set webhook.url, or leave the secret out")
		}
		return nil
	}
	_, badURL := w.parseURL()
	_, badSecret := w.secret()
	return errors.Join(badURL, badSecret, w.checkEvents())
}

// parseURL reads the URL. No fault repeats it: people put passwords there.
func (w Webhook) parseURL() (*url.URL, error) {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("webhook.url is not a URL: use a form such as https://example.com/notices")
	case u.User != nil:
		return nil, errors.New("webhook.url has a user name or password before the host: leave it out, for the signature says who sends")
	case strings.Contains(w.URL, "#"):
		return nil, errors.New("webhook.url has a fragment, which is never sent: leave it out")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("webhook.url has the scheme %q: use https", u.Scheme)
	case !wire.Secure(u):
		return nil, fmt.Errorf("webhook.url goes to %s by http: notices would travel in the clear; use https (http is for this machine only)", u.Host)
	}
	return u, nil
}

// secret is the one in use, as it is configured. No fault tells anything of it.
func (w Webhook) secret() (string, error) {
	switch {
	case w.Secret != "" && w.SecretFile != "":
		return "", errors.New("webhook has both a secret and a secret_file: leave one of them out")
	case w.Secret == "" && w.SecretFile == "":
		return "", errors.New("webhook has a url but no secret, and nobody could tell its notices from others': set webhook.secret_file or webhook.secret; " + makeSecret)
	case w.Secret != "":
		return w.Secret, prefixed("webhook.secret", checkSecret(w.Secret))
	}
	text, err := readSecretFile(w.SecretFile, makeSecret)
	if err != nil {
		return "", prefixed("webhook.secret_file", err)
	}
	return string(text), prefixed("webhook.secret_file "+w.SecretFile, checkSecret(string(text)))
}

func checkSecret(text string) error {
	secrets := strings.Fields(text)
	if len(secrets) == 0 {
		return errors.New("there is no secret in it: " + makeSecret)
	}
	for _, secret := range secrets {
		if _, err := webhook.ParseSecret(secret); err != nil {
			return fmt.Errorf("%w: %s", err, makeSecret)
		}
	}
	return nil
}

func (w Webhook) checkEvents() error {
	if len(w.Events) == 0 {
		return errors.New("webhook.events is empty, so that nobody would be told of anything: name some, or leave webhook.url out")
	}
	var faults []error
	for _, name := range w.Events {
		if name != AllEvents && !slices.Contains(eventTypes(), auth.EventType(name)) {
			faults = append(faults, fmt.Errorf("webhook.events has %q, which is no event: use names such as %s or %s, or %q for all", name,
				auth.EventSignedIn, auth.EventReported, AllEvents))
		}
	}
	return errors.Join(faults...)
}

// openWebhook makes who tells the operator's service of events, if there is one.
func (s *Server) openWebhook(context.Context) error {
	if s.config.Webhook.URL == "" {
		return nil
	}
	to, err := s.config.Webhook.parseURL()
	if err != nil {
		return err
	}
	secret, err := s.config.Webhook.secret()
	if err != nil {
		return err
	}
	s.webhook, err = webhook.New(webhook.Config{
		URL:    to,
		Secret: secret,
		Store:  s.store,
		Log:    s.log,
		Clock:  s.clock,
		Record: s.config.Recorder(),
	})
	return err
}
