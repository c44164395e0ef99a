package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/server"
)

// config is what all settings together say.
type config struct {
	server.Config
	LogLevel  slog.Level
	LogFormat string
}

// setting is one of them: its names, and how its text becomes part of a config.
type setting struct {
	key  string // in the TOML file; empty: not there
	env  string
	flag string // empty: none
	note string // the default, for the help
	set  func(c *config, text string) error
}

func (s setting) notes() (list []string) {
	if s.note != "" {
		list = append(list, "default: "+s.note)
	}
	return append(list, "$"+s.env)
}

// settings is the table of all of them, but for the policies of single clients, which
// have the settings of [policy].
func settings() []setting {
	list := []setting{
		{"", "QRAUTHD_CONFIG", "config", defaultConfigFile + " if it exists", func(*config, string) error { return nil }},
		{"", "QRAUTHD_DEMO", "demo", "", to(func(c *config) *bool { return &c.Demo }, parseSwitch)},
		{"listen", "QRAUTHD_LISTEN", "listen", defaultListen, to(func(c *config) *string { return &c.Listen }, plain)},
		{"issuer", "QRAUTHD_ISSUER", "issuer", "", to(func(c *config) *string { return &c.Issuer }, plain)},
		{"data", "QRAUTHD_DATA", "data", "", to(func(c *config) *string { return &c.DataDir }, plain)},
		{"tls.cert", "QRAUTHD_TLS_CERT", "tls-cert", "", to(func(c *config) *string { return &c.TLS.CertFile }, plain)},
		{"tls.key", "QRAUTHD_TLS_KEY", "tls-key", "", to(func(c *config) *string { return &c.TLS.KeyFile }, plain)},
		{"trusted_proxies", "QRAUTHD_TRUSTED_PROXIES", "trusted-proxy", "none", setProxies},
		{"registration", "QRAUTHD_REGISTRATION", "registration", "invite; in a demo open", to(func(c *config) *server.Registration { return &c.Registration }, parseRegistration)},
		{"session_lifetime", "QRAUTHD_SESSION_LIFETIME", "session-lifetime", "720h", to(func(c *config) *time.Duration { return &c.SessionLifetime }, parseDuration)},
		{"session_idle", "QRAUTHD_SESSION_IDLE", "session-idle", "336h", to(func(c *config) *time.Duration { return &c.SessionIdle }, parseDuration)},
		{"access_token_lifetime", "QRAUTHD_ACCESS_TOKEN_LIFETIME", "access-token-lifetime", "10m", to(func(c *config) *time.Duration { return &c.AccessTokenLifetime }, parseDuration)},
		{"signing_algorithm", "QRAUTHD_SIGNING_ALGORITHM", "signing-algorithm", "ES256", to(func(c *config) *server.SigningAlgorithm { return &c.SigningAlgorithm }, parseAlgorithm)},
		{"key_rotation", "QRAUTHD_KEY_ROTATION", "key-rotation", "2160h", to(func(c *config) *time.Duration { return &c.KeyRotation }, parseDuration)},
		{"key_file", "QRAUTHD_KEY_FILE", "key-file", "none", to(func(c *config) *string { return &c.KeyFile }, plain)},
		{"metrics_listen", "QRAUTHD_METRICS_LISTEN", "metrics-listen", "none", to(func(c *config) *string { return &c.MetricsListen }, plain)},

		{"brand.name", "QRAUTHD_BRAND_NAME", "", "", to(func(c *config) *string { return &c.Brand.Name }, plain)},
		{"brand.accent", "QRAUTHD_BRAND_ACCENT", "", "", to(func(c *config) *string { return &c.Brand.Accent }, plain)},
		{"brand.logo", "QRAUTHD_BRAND_LOGO", "", "", to(func(c *config) *string { return &c.Brand.Logo }, plain)},

		{"scope_words", "QRAUTHD_SCOPE_WORDS", "", "", setScopeWords},

		{"places.files", "QRAUTHD_PLACES_FILES", "places", "none", to(func(c *config) *[]string { return &c.Places }, parseList)},
		{"audit.keep", "QRAUTHD_AUDIT_KEEP", "audit-keep", "2160h", to(func(c *config) *time.Duration { return &c.AuditKeep }, parseDuration)},
		{"webhook.url", "QRAUTHD_WEBHOOK_URL", "", "", to(func(c *config) *string { return &c.Webhook.URL }, plain)},
		{"webhook.secret", "QRAUTHD_WEBHOOK_SECRET", "", "", to(func(c *config) *string { return &c.Webhook.Secret }, plain)},
		{"webhook.secret_file", "QRAUTHD_WEBHOOK_SECRET_FILE", "", "", to(func(c *config) *string { return &c.Webhook.SecretFile }, plain)},
		{"webhook.events", "QRAUTHD_WEBHOOK_EVENTS", "", "", to(func(c *config) *[]string { return &c.Webhook.Events }, parseList)},

		{"limits.enabled", "QRAUTHD_LIMITS", "limits", "on", to(func(c *config) *bool { return &c.Limits.Off }, parseNot)},
		{"limits.starts", "QRAUTHD_LIMITS_STARTS", "", "", to(func(c *config) *server.Rate { return &c.Limits.Starts }, server.ParseRate)},
		{"limits.starts_per_client", "QRAUTHD_LIMITS_STARTS_PER_CLIENT", "", "", to(func(c *config) *server.Rate { return &c.Limits.StartsPerClient }, server.ParseRate)},
		{"limits.starts_crowd", "QRAUTHD_LIMITS_STARTS_CROWD", "", "", to(func(c *config) *server.Rate { return &c.Limits.StartsCrowd }, server.ParseRate)},
		{"limits.guesses", "QRAUTHD_LIMITS_GUESSES", "", "", to(func(c *config) *server.Rate { return &c.Limits.Guesses }, server.ParseRate)},
		{"limits.guesses_per_browser", "QRAUTHD_LIMITS_GUESSES_PER_BROWSER", "", "", to(func(c *config) *server.Rate { return &c.Limits.GuessesPerBrowser }, server.ParseRate)},
		{"limits.guesses_per_account", "QRAUTHD_LIMITS_GUESSES_PER_ACCOUNT", "", "", to(func(c *config) *server.Rate { return &c.Limits.GuessesPerAccount }, server.ParseRate)},
		{"limits.guesses_overall", "QRAUTHD_LIMITS_GUESSES_OVERALL", "", "", to(func(c *config) *server.Rate { return &c.Limits.GuessesOverall }, server.ParseRate)},
		{"limits.device_codes", "QRAUTHD_LIMITS_DEVICE_CODES", "", "", to(func(c *config) *server.Rate { return &c.Limits.DeviceCodes }, server.ParseRate)},
		{"limits.ceremonies", "QRAUTHD_LIMITS_CEREMONIES", "", "", to(func(c *config) *server.Rate { return &c.Limits.Ceremonies }, server.ParseRate)},
		{"limits.recoveries", "QRAUTHD_LIMITS_RECOVERIES", "", "", to(func(c *config) *server.Rate { return &c.Limits.Recoveries }, server.ParseRate)},
		{"limits.numbers", "QRAUTHD_LIMITS_NUMBERS", "", "", to(func(c *config) *server.Rate { return &c.Limits.Numbers }, server.ParseRate)},
		{"limits.frames", "QRAUTHD_LIMITS_FRAMES", "", "", to(func(c *config) *server.Rate { return &c.Limits.Frames }, server.ParseRate)},
		{"limits.sockets", "QRAUTHD_LIMITS_SOCKETS", "", "", to(func(c *config) *int { return &c.Limits.Sockets }, parseCount)},
		{"limits.session_sockets", "QRAUTHD_LIMITS_SESSION_SOCKETS", "", "", to(func(c *config) *int { return &c.Limits.SessionSockets }, parseCount)},
		{"limits.sockets_per_grant", "QRAUTHD_LIMITS_SOCKETS_PER_GRANT", "", "", to(func(c *config) *int { return &c.Limits.SocketsPerGrant }, parseCount)},
		{"limits.connections", "QRAUTHD_LIMITS_CONNECTIONS", "", "", to(func(c *config) *int { return &c.Limits.Connections }, parseCount)},
		{"limits.waits", "QRAUTHD_LIMITS_WAITS", "", "", to(func(c *config) *int { return &c.Limits.Waits }, parseCount)},

		{"log.level", "QRAUTHD_LOG_LEVEL", "log-level", "info", to(func(c *config) *slog.Level { return &c.LogLevel }, parseLevel)},
		{"log.format", "QRAUTHD_LOG_FORMAT", "log-format", "text", to(func(c *config) *string { return &c.LogFormat }, parseFormat)},
	}
	return append(list, policyOfEverybody()...)
}

// to makes a setter of a field and the reader of its text.
func to[T any](field func(*config) *T, parse func(string) (T, error)) func(*config, string) error {
	return func(c *config, text string) error {
		v, err := parse(text)
		if err == nil {
			*field(c) = v
		}
		return err
	}
}

func plain(text string) (string, error) { return text, nil }

func parseList(text string) ([]string, error) { return elements(text), nil }

func parseSwitch(text string) (bool, error) {
	switch text {
	case "on", "true":
		return true, nil
	case "off", "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", text)
}

func parseNot(text string) (bool, error) {
	on, err := parseSwitch(text)
	return !on, err
}

func parseRegistration(text string) (server.Registration, error) {
	return server.Registration(text), nil // server.Config.Validate knows which there are
}

func parseAlgorithm(text string) (server.SigningAlgorithm, error) {
	return server.SigningAlgorithm(text), nil // as is known there too
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: use a form such as 90s or 720h", text)
	}
	return d, nil
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, nil
}

// setProxies reads addresses and networks with commas between them. Those that
// can be read are kept beside others that cannot, so that what server.Config
// refuses among them is reported at the same time.
func setProxies(c *config, text string) error {
	var faults []error
	c.TrustedProxies = nil
	for part := range strings.SplitSeq(text, ",") {
		p, err := auth.ParseNetwork(strings.TrimSpace(part))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		c.TrustedProxies = append(c.TrustedProxies, p)
	}
	return errors.Join(faults...)
}

// setScopeWords reads SCOPE = WORDS, with commas between them.
func setScopeWords(c *config, text string) error {
	c.ScopeWords = map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, words, ok := strings.Cut(part, "=")
		if !ok {
			return fmt.Errorf("%q has no =: use forms such as \"files.read = read your files\", without commas in the words", strings.TrimSpace(part))
		}
		c.ScopeWords[strings.TrimSpace(name)] = strings.TrimSpace(words)
	}
	return nil
}

func parseLevel(text string) (l slog.Level, err error) {
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return l, fmt.Errorf("%q is not a level: use debug, info, warn or error", text)
	}
	return l, nil
}

func parseFormat(text string) (string, error) {
	if text != "text" && text != "json" {
		return "", fmt.Errorf("%q is not a format: use text or json", text)
	}
	return text, nil
}
