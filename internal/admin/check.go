package admin

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/qrauthd/qrauthd/internal/auth"
)

// maxClientID is the length of a client ID, in bytes.
const maxClientID = 64

// check reports all that is wrong with a client, but for its ID and its name.
func check(c auth.Client) error {
	return errors.Join(
		checkDuration("lifetime", c.Lifetime, auth.MinLifetime, auth.MaxLifetime),
		checkDuration("interval", c.Interval, time.Second, auth.MaxInterval),
		checkAuth(c),
		checkURIs("redirect URI", c.RedirectURIs, redirectFault),
		checkURIs("resource", c.Resources, resourceFault),
		checkURIs("introspected resource", c.Introspects, resourceFault),
	)
}

// checkClientID allows what needs no escaping in a form, a shell or a header.
func checkClientID(id auth.ClientID) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	strange := strings.ContainsFunc(string(id), func(r rune) bool { return !plain(r) })
	if id == "" || len(id) > maxClientID || strange || strings.ContainsAny(string(id[:1]), "._-") {
		return fmt.Errorf("client ID %q is %w: use 1 to %d letters, digits, dots, hyphens and underscores, a letter or digit first",
			id, ErrInvalid, maxClientID)
	}
	return nil
}

func checkName(name string) error {
	clean := auth.CleanName(name)
	if clean == "" {
		return fmt.Errorf("the empty name is %w: give the name that people know the application by", ErrInvalid)
	}
	if tooLong(name) {
		return fmt.Errorf("name %q is %w: use at most %d characters", clean, ErrInvalid, auth.MaxDeviceField)
	}
	return nil
}

// tooLong reports a name that auth.CleanName would cut, into another one.
func tooLong(name string) bool {
	return utf8.RuneCountInString(strings.TrimSpace(name)) > auth.MaxDeviceField
}

func checkDuration(what string, d, least, most time.Duration) error {
	if d < least || d > most || d%time.Second != 0 {
		return fmt.Errorf("%s %s is %w: use whole seconds from %s to %s", what, d, ErrInvalid, least, most)
	}
	return nil
}

func parseScopes(list []string) (auth.Scopes, error) {
	scopes, err := auth.ParseScopes(strings.Join(list, " "))
	if err != nil {
		return nil, fmt.Errorf("scopes %q are %w: %w", list, ErrInvalid, err)
	}
	if len(scopes) == 0 {
		return auth.DefaultScopes(), nil
	}
	return scopes, nil
}

// checkAuth wants what the way to authenticate needs, and nothing that it has no
// use for.
func checkAuth(c auth.Client) error {
	var faults []error
	switch c.AuthMethod {
	case auth.AuthNone, auth.AuthSecret:
		if len(c.Keys) > 0 {
			faults = append(faults, fmt.Errorf("keys for a client that does not sign are %w: they are for private_key_jwt only", ErrInvalid))
		}
	case auth.AuthPrivateKey:
		if len(c.Keys) == 0 {
			faults = append(faults, fmt.Errorf("private_key_jwt without keys is %w: give the client's public keys", ErrInvalid))
		}
	default:
		faults = append(faults, fmt.Errorf("authentication method %q is %w: use none, client_secret_basic, client_secret_post or private_key_jwt",
			c.AuthMethod, ErrInvalid))
	}
	if len(c.Introspects) > 0 && !c.Confidential() {
		faults = append(faults, fmt.Errorf("introspection by a public client is %w: give the client a secret or keys, so that it can be told from others", ErrInvalid))
	}
	return errors.Join(faults...)
}
