package phone

import (
	"net/http"

	"github.com/qrauthd/qrauthd/internal/gate"
)

// enter has the request come in by the gate and handles it. A gate.Refusal when it was
// turned away.
func enter(g *gate.Gate, w http.ResponseWriter, r *http.Request, h func(http.ResponseWriter, *http.Request) error) error {
	visit, err := g.Admit(w, r)
	if err != nil {
		return err
	}
	defer visit.End()
	return h(visit, r)
}
