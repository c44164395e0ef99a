package admin

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what a client may have.
const (
	maxURIs      = 32   // of each kind
	maxURILength = 2048 // bytes
)

// checkURIs reports what is wrong with each of them. A fault is what a function
// such as redirectFault says of one; empty: nothing.
func checkURIs(what string, list []string, fault func(string) string) error {
	var faults []error
	if len(list) > maxURIs {
		faults = append(faults, fmt.Errorf("%s number %d is %w: use at most %d", what, len(list), ErrInvalid, maxURIs))
	}
	for _, text := range list {
		if why := fault(text); why != "" {
			faults = append(faults, fmt.Errorf("%s %q is %w: %s", what, shown(text), ErrInvalid, why))
		}
	}
	return errors.Join(faults...)
}

// shown is the URI without a password that somebody may have written into it.
func shown(text string) string {
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		text = "…" + text[i:]
	}
	if len(text) > 100 {
		text = strings.ToValidUTF8(text[:100], "") + "…"
	}
	return text
}

// redirectFault is why the browser must not be sent there with an authorization
// response (RFC 6749 section 3.1.2, RFC 8252 section 7, RFC 9700 section 2.1).
// They are compared as they are written, so that nothing in them may be a pattern.
func redirectFault(text string) string {
	u, why := parseURI(text)
	if why != "" {
		return why
	}
	switch {
	case u.Scheme == "https":
		return hostFault(u)
	case u.Scheme == "http" && loopback(u.Hostname()):
		return hostFault(u)
	case u.Scheme == "http":
		return "use https; http is for loopback addresses only: 127.0.0.1, [::1] or localhost"
	case !privateUse(u.Scheme):
		return "use https, http on a loopback address, or a scheme of your own with a dot in it, such as com.example.app:/callback"
	case u.Opaque != "" || u.Path == "" && u.Host == "":
		return "put a slash after the colon, as in com.example.app:/callback"
	}
	return ""
}

// resourceFault is why it cannot be what a token is for (RFC 8707 section 2).
func resourceFault(text string) string {
	u, why := parseURI(text)
	switch {
	case why != "":
		return why
	case u.Scheme == "https" || u.Scheme == "http":
		return hostFault(u)
	case u.Opaque == "" && u.Host == "" && u.Path == "":
		return "nothing follows the scheme"
	}
	return ""
}

// parseURI reads an absolute URI with no fragment and no user, or tells why it is
// none.
func parseURI(text string) (*url.URL, string) {
	switch {
	case text == "":
		return nil, "it is empty"
	case len(text) > maxURILength:
		return nil, fmt.Sprintf("use at most %d bytes", maxURILength)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }):
		return nil, "it has a character that no URI may have: escape it with %"
	case strings.Contains(text, "*"):
		return nil, "it is compared as it is written: there are no wildcards"
	case strings.Contains(text, "#"):
		return nil, "it must have no fragment"
	}
	u, err := url.Parse(text)
	if err == nil {
		_, err = url.QueryUnescape(u.RawQuery)
	}
	switch {
	case err != nil:
		return nil, "it is not a URI"
	case u.Scheme == "":
		return nil, "it must be absolute: begin with a scheme, such as https://"
	case u.User != nil:
		return nil, "it must have no user name"
	}
	return u, ""
}

// hostFault is what is wrong with the host and the port of an http or https URI.
func hostFault(u *url.URL) string {
	if u.Hostname() == "" {
		return "it has no host"
	}
	_, port, found := strings.Cut(strings.TrimPrefix(u.Host, "["+u.Hostname()+"]"), ":")
	if !found {
		return ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "its port is not a number from 1 to 65535"
	}
	return ""
}

// loopback reports a host that is the person's own computer (RFC 8252 sections 7.3
// and 8.3).
func loopback(host string) bool {
	return host == "127.0.0.1" || host == "::1" || host == "localhost"
}

// privateUse reports a scheme that is a domain name back to front (RFC 8252 section
// 7.1). The dot keeps out those that a browser gives a meaning to, such as
// javascript, data and file.
func privateUse(scheme string) bool {
	labels := strings.Split(scheme, ".")
	return len(labels) > 1 && !slices.Contains(labels, "")
}
