package phone_test

import (
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/budget"
)

func TestAnAppsOwnScopesAreShownInTheOperatorsWords(t *testing.T) {
	s := serve(t, budget.Limits{})
	s.face.ScopeWords = map[string]string{"files.read": "read your <b>files</b>"}
	s.AddClient(auth.Client{ID: "acme", Name: "Acme", Scopes: auth.Scopes{"openid", "files.read", "files.write"}})
	g, _ := s.World.Start("acme")
	page := s.browser().get("/device?user_code=" + g.Code.String()).body
	for _, want := range []string{"read your &lt;b&gt;files&lt;/b&gt;", "files.write"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "files.read") {
		t.Error("the page shows the name of a scope that has words")
	}
}
