package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often, at most, the files are looked at.
const certificateCheck = 5 * time.Second

// certificate is a TLS certificate that follows its files. Renewing is replacing
// them; a replacement that cannot be used is logged, and the old one stays.
type certificate struct {
	files TLS
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	loaded  *tls.Certificate // guarded by mu
	stamp   [2]time.Time     // of the files that were loaded; guarded by mu
	checked time.Time        // guarded by mu
}

// openCertificate reads it, if TLS is spoken here.
func (s *Server) openCertificate(context.Context) (err error) {
	if s.config.TLS == (TLS{}) {
		return nil
	}
	s.certificate, err = newCertificate(s.config.TLS, s.log, s.now)
	return err
}

func newCertificate(files TLS, log *slog.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{files: files, log: log, now: now, checked: now()}
	stamp, err := c.look()
	if err != nil {
		return nil, err
	}
	return c, c.load(stamp)
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= certificateCheck {
		c.checked = now
		c.refresh()
	}
	return c.loaded, nil
}

func (c *certificate) refresh() {
	stamp, err := c.look()
	if err == nil && stamp == c.stamp {
		return
	}
	if err == nil {
		err = c.load(stamp)
	}
	if err != nil {
		c.log.Error("keep the old TLS certificate: the new one cannot be used", "err", err)
		return
	}
	c.log.Info("TLS certificate replaced", "file", c.files.CertFile)
}

func (c *certificate) look() (stamp [2]time.Time, err error) {
	for i, name := range []string{c.files.CertFile, c.files.KeyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, fmt.Errorf("look at TLS file: %w", err)
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}

func (c *certificate) load(stamp [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("load TLS certificate: %w", err)
	}
	c.loaded, c.stamp = &pair, stamp
	return nil
}
