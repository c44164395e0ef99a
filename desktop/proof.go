package desktop

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/qrauthd/qrauthd/internal/dpop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	maxPeers  = 64            // whose nonces are remembered: an app talks to a few servers
	maxNonce  = 1 << 10       // bytes; a longer one is not taken up
	leastSkew = dpop.Skew / 2 // below it, the clocks are not why a proof was refused
	mostSkew  = 400 * 24 * time.Hour
)

// proofs is what servers want of the proofs that they get (RFC 9449), by origin.
type proofs struct {
	mu    sync.Mutex // guards peers
	peers map[string]peer
}

// peer is one origin.
type peer struct {
	nonce string        // the newest (RFC 9449 section 8.2)
	skew  time.Duration // of its clock, as seen from ours; learned from a refusal only
}

func originOf(u *url.URL) string { return u.Scheme + "://" + u.Host }

func (p *proofs) of(u *url.URL) peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peers[originOf(u)]
}

// change takes note of something about an origin. A client that met too many
// starts over: a nonce that was forgotten costs one request.
func (p *proofs) change(u *url.URL, note func(*peer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	origin := originOf(u)
	known, met := p.peers[origin]
	if p.peers == nil || !met && len(p.peers) >= maxPeers {
		p.peers = map[string]peer{}
	}
	note(&known)
	p.peers[origin] = known
}

// attach adds a proof of the key to a request, with the hash of the access token
// when there is one. The zero key proves nothing, and nothing is added.
func (p *proofs) attach(r *http.Request, key dpop.Key, accessToken string, now time.Time) error {
	if key.IsZero() {
		return nil
	}
	known := p.of(r.URL)
	address := *r.URL
	address.User = nil
	proof, err := key.Prove(now.Add(known.skew), dpop.Request{
		Method: methodOf(r), URL: address.String(), AccessToken: accessToken, Nonce: known.nonce,
	})
	if err != nil {
		return fmt.Errorf("prove the key: %w", err)
	}
	r.Header.Set(wire.HeaderDPoP, proof)
	return nil
}

// methodOf is the method on the wire.
func methodOf(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// learn keeps the nonce of an answer, whatever the answer is (RFC 9449 section 8.2).
func (p *proofs) learn(u *url.URL, h http.Header) {
	if nonce := h.Get(wire.HeaderDPoPNonce); nonce != "" && len(nonce) <= maxNonce {
		p.change(u, func(known *peer) { known.nonce = nonce })
	}
}

// mended reports whether a proof that was refused would be another one now: the
// server asked for a nonce and gave it, or its clock is known now. A computer whose
// clock is wrong signs in all the same.
func (p *proofs) mended(u *url.URL, code string, h http.Header, now time.Time) bool {
	switch code {
	case wire.CodeUseDPoPNonce:
		nonce := h.Get(wire.HeaderDPoPNonce)
		return nonce != "" && nonce == p.of(u).nonce
	case wire.CodeInvalidDPoPProof:
		return p.setClock(u, h, now)
	}
	return false
}

// setClock takes up the server's clock where that makes a difference. What a
// refused request was answered with comes from no cache.
func (p *proofs) setClock(u *url.URL, h http.Header, now time.Time) bool {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return false
	}
	skew := at.Sub(now)
	if skew.Abs() > mostSkew || (skew-p.of(u).skew).Abs() < leastSkew {
		return false
	}
	p.change(u, func(known *peer) { known.skew = skew })
	return true
}
