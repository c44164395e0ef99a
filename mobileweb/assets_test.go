package mobileweb

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestAssetsAreServedForEver(t *testing.T) {
	site := newSite(t, Options{Base: "/auth"})
	page := render(t, site, Confirm{Opening: "o1"})
	tests := []struct{ kind, contentType string }{
		{"script", "text/javascript; charset=utf-8"},
		{"style", "text/css; charset=utf-8"},
		{"icon", "image/svg+xml"},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			address := regexp.MustCompile(`/auth/assets/` + tt.kind + `\.[0-9a-f]{12}\.[a-z]+`).FindString(page)
			if address == "" {
				t.Fatal("the page does not load it under a fingerprinted name")
			}
			response := httptest.NewRecorder()
			site.Assets().ServeHTTP(response, httptest.NewRequest(http.MethodGet, address, nil))
			if response.Code != http.StatusOK || response.Body.Len() == 0 {
				t.Errorf("answer is %d with %d bytes, want 200 and the file", response.Code, response.Body.Len())
			}
			if got := response.Header().Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type is %q, want %q", got, tt.contentType)
			}
			if got := response.Header().Get("Cache-Control"); !strings.Contains(got, "immutable") {
				t.Errorf("Cache-Control is %q, want immutable", got)
			}
		})
	}
}

func TestAssetsRefuseWhatIsNotThere(t *testing.T) {
	site := newSite(t, Options{})
	script := site.path("assets", site.assets.script.name)
	tests := []struct {
		name, method, path string
		want               int
	}{
		{"an unknown file", http.MethodGet, "/assets/script.js", http.StatusNotFound},
		{"the folder", http.MethodGet, "/assets/", http.StatusNotFound},
		{"a file as a folder", http.MethodGet, script + "/", http.StatusNotFound},
		{"a head without a body", http.MethodHead, script, http.StatusOK},
		{"a post", http.MethodPost, script, http.StatusMethodNotAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			response := httptest.NewRecorder()
			site.Assets().ServeHTTP(response, httptest.NewRequest(tt.method, tt.path, nil))
			if response.Code != tt.want {
				t.Errorf("answer is %d, want %d", response.Code, tt.want)
			}
		})
	}
}

func TestTheFingerprintFollowsTheAccent(t *testing.T) {
	plain, branded := newSite(t, Options{}), newSite(t, Options{Brand: Brand{Accent: "#aa2200"}})
	if plain.assets.style.name == branded.assets.style.name {
		t.Errorf("both styles are %s, want a name for each", plain.assets.style.name)
	}
	if !strings.Contains(string(branded.assets.icon.content), "#aa2200") {
		t.Error("the icon does not wear the accent")
	}
}
