package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/qrauthd/qrauthd/internal/store"
)

const healthTimeout = 2 * time.Second

// health answers ok while the store can be read.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), healthTimeout)
	defer cancel()
	err := s.store.View(ctx, func(tx store.Tx) error {
		_, err := tx.Client("")
		return err
	})
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.log.Error("health: cannot read the store", "err", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "store unavailable\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
