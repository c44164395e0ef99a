package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// clientTimeout bounds a delivery with the default client.
	clientTimeout = 20 * time.Second
	// sendTimeout bounds one with any client: it must end within its lease.
	sendTimeout = lease / 2
	// maxAnswer bounds what is read of an answer, which nobody looks at.
	maxAnswer = 64 << 10
	// maxAnswerHeader bounds its header, with the default client.
	maxAnswerHeader = 16 << 10
)

// endpoint is the operator's webhook.
type endpoint struct {
	url    string
	name   string // scheme and host: there may be a token in the rest
	keys   []*standardwebhooks.Webhook
	client *http.Client
}

// newEndpoint refuses a URL that is neither https nor of this very computer, and secrets
// in another form than theirs.
func newEndpoint(u *url.URL, secrets string, client *http.Client) (*endpoint, error) {
	if u == nil || u.Scheme != "https" && u.Scheme != "http" || !wire.Secure(u) {
		return nil, errors.New("the URL of a webhook must be https, or http to this very computer")
	}
	keys, err := parseKeys(secrets)
	if err != nil {
		return nil, err
	}
	own := *cmp.Or(client, newClient())
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &endpoint{url: u.String(), name: u.Scheme + "://" + u.Host, keys: keys, client: &own}, nil
}

// parseKeys reads secrets with white space between them.
func parseKeys(secrets string) (keys []*standardwebhooks.Webhook, err error) {
	for _, text := range strings.Fields(secrets) {
		key, err := ParseSecret(text)
		if err != nil {
			return nil, err
		}
		signer, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, err
		}
		keys = append(keys, signer)
	}
	if len(keys) == 0 {
		return nil, errSecret
	}
	return keys, nil
}

// newClient makes a client with few connections.
func newClient() *http.Client {
	return &http.Client{Timeout: clientTimeout, Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           parallel,
		MaxIdleConnsPerHost:    parallel,
		MaxConnsPerHost:        parallel,
		IdleConnTimeout:        time.Minute,
		TLSHandshakeTimeout:    clientTimeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}}
}

// answer is what the receiver said.
type answer struct {
	status int
	wait   time.Duration // for how long it wants to be left alone
}

// post sends the message, as of now. Its error names no URL.
func (e *endpoint) post(ctx context.Context, now time.Time, m auth.Message) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	req, err := e.request(ctx, now, m)
	if err != nil {
		return answer{}, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return answer{}, withoutURL(err)
	}
	defer resp.Body.Close()
	// Read, the connection can be used again. What was answered is known already.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	a := answer{status: resp.StatusCode}
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		a.wait = retryAfter(resp.Header, now)
	}
	return a, nil
}

// request is the message, signed with each key: a receiver that has only one of two, while
// one takes over from the other, finds its own.
func (e *endpoint) request(ctx context.Context, now time.Time, m auth.Message) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(m.Body))
	if err != nil {
		return nil, withoutURL(err)
	}
	var signatures []string
	for _, key := range e.keys {
		s, err := key.Sign(m.ID, now, m.Body)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, s)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "qrauthd")
	req.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return req, nil
}

// withoutURL is the cause of an error of package http, which quotes the whole URL.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
