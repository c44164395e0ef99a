// Package route is a ServeMux whose paths answer for every method.
//
// http.ServeMux says 405 by itself, until a pattern such as "/" catches what is
// left: then that one is asked, and says that a page which exists is not there.
package route

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Mux is a table of routes. A path that is there for some methods answers all
// others with 405 and Allow (RFC 9110 section 15.5.6). It is made by NewMux, and
// filled before it serves.
type Mux struct {
	mux     *http.ServeMux
	methods map[string][]string // by path, in the form of the pattern
}

// NewMux makes an empty table.
func NewMux() *Mux {
	return &Mux{http.NewServeMux(), map[string][]string{}}
}

// Handle adds a route. Patterns are those of http.ServeMux, and HEAD goes with GET.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.mux.Handle(pattern, h)
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		return // for every method
	}
	if len(m.methods[path]) == 0 {
		// Less specific than any pattern with a method, more than one of a larger tree.
		m.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { m.refuse(w, path) })
	}
	m.methods[path] = append(m.methods[path], method)
	if method == http.MethodGet {
		m.methods[path] = append(m.methods[path], http.MethodHead)
	}
}

// refuse tells which methods the path is there for.
func (m *Mux) refuse(w http.ResponseWriter, path string) {
	allowed := strings.Join(slices.Sorted(slices.Values(m.methods[path])), ", ")
	w.Header().Set("Allow", allowed)
	http.Error(w, fmt.Sprintf("This address does not take that method, only %s.", allowed), http.StatusMethodNotAllowed)
}

func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }
