package oauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"

	"github.com/qrauthd/qrauthd/internal/store"
)

// failing is a store whose writes fail.
type failing struct {
	store.Store
	err error
}

func (f failing) Update(context.Context, func(store.Tx) error) error { return f.err }

// blind is a store that cannot be read.
type blind struct{ store.Store }

func (blind) View(context.Context, func(store.Tx) error) error { return store.ErrUnavailable }

func record(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
