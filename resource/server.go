package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// requestTimeout bounds whatever is asked of the server at a time.
	requestTimeout = 10 * time.Second
	// maxAnswer is the size in bytes above which an answer is refused.
	maxAnswer = 1 << 20
)

// server is the way to the issuer.
type server struct {
	http *http.Client // never follows a redirect
	log  *slog.Logger
}

// get fetches a document that anybody may read.
func (s *server) get(ctx context.Context, address string, into any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return s.do(req, into)
}

// do sends the request and reads the JSON of a 200. Its errors quote neither the
// request nor the answer.
func (s *server) do(req *http.Request, into any) (http.Header, error) {
	req.Header.Set("Accept", "application/json")
	res, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", req.URL.Redacted(), res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", req.URL.Redacted(), err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer of %s has more than %d bytes", req.URL.Redacted(), maxAnswer)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("the answer of %s is not the JSON that was expected: %w", req.URL.Redacted(), err)
	}
	return res.Header, nil
}

// discover fetches the server's metadata and refuses a document that speaks for
// another issuer (RFC 8414 section 3.3) or leads away from TLS.
func (s *server) discover(ctx context.Context, i issuer) (wire.Metadata, error) {
	var doc wire.Metadata
	if _, err := s.get(ctx, i.metadata, &doc); err != nil {
		return wire.Metadata{}, err
	}
	if doc.Issuer != i.name {
		return wire.Metadata{}, fmt.Errorf("the server at %s calls itself %q: configure the issuer to the letter", i.name, doc.Issuer)
	}
	if u, err := url.Parse(doc.JWKSURI); err != nil || !secure(u) {
		return wire.Metadata{}, fmt.Errorf("the jwks_uri %q of %s: want https", doc.JWKSURI, i.name)
	}
	return doc, nil
}
