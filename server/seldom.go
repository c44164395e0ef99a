package server

import (
	"sync"
	"time"
)

// seldom keeps something from being said again too soon.
type seldom struct {
	every time.Duration

	mu   sync.Mutex
	last time.Time // guarded by mu
}

// due reports whether to say it, and takes it for said.
func (s *seldom) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && now.Sub(s.last) < s.every {
		return false
	}
	s.last = now
	return true
}
