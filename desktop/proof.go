package desktop

import (
	"cmp"
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

// attach adds a proof of the key to a request to the peer, with the hash of the
// access token when there is one. The zero key proves nothing, and nothing is added.
func (to peer) attach(r *http.Request, key dpop.Key, accessToken string, now time.Time) error {
	if key.IsZero() {
		return nil
	}
	address := *r.URL
	address.User = nil
	proof, err := key.Prove(now.Add(to.skew), dpop.Request{
		Method: methodOf(r), URL: address.String(), AccessToken: accessToken, Nonce: to.nonce,
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
	if nonce := nonceIn(h); nonce != "" {
		p.change(u, func(known *peer) { known.nonce = nonce })
	}
}

// nonceIn is the nonce of an answer, empty when there is none that we would send.
func nonceIn(h http.Header) string {
	if nonce := h.Get(wire.HeaderDPoPNonce); len(nonce) <= maxNonce {
		return nonce
	}
	return ""
}

// mended returns what a second proof goes by, and whether that makes it another one
// than the first, which was refused: the server asked for a nonce and gave it, or its
// clock is known now. A computer whose clock is wrong signs in all the same. It
// compares with what the first one went by, and not with what other requests have
// learned meanwhile: a server may give each of them a nonce of its own.
func (p *proofs) mended(u *url.URL, first peer, code string, h http.Header, now time.Time) (second peer, ok bool) {
	switch code {
	case wire.CodeUseDPoPNonce:
		nonce := nonceIn(h)
		return peer{nonce, first.skew}, nonce != "" && nonce != first.nonce
	case wire.CodeInvalidDPoPProof:
		return p.setClock(u, first, h, now)
	}
	return first, false
}

// setClock takes up the server's clock where that makes a difference. What a
// refused request was answered with comes from no cache.
func (p *proofs) setClock(u *url.URL, first peer, h http.Header, now time.Time) (second peer, ok bool) {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return first, false
	}
	skew := at.Sub(now)
	if skew.Abs() > mostSkew || (skew-first.skew).Abs() < leastSkew {
		return first, false
	}
	p.change(u, func(known *peer) { known.skew = skew })
	return peer{cmp.Or(nonceIn(h), first.nonce), skew}, true
}
