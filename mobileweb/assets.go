package mobileweb

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// asset is a file that pages refer to. Its name holds a hash of its content, so that it may be cached for ever.
type asset struct {
	name        string
	contentType string
	content     []byte
}

func newAsset(stem, extension, contentType string, content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{
		name:        stem + "." + hex.EncodeToString(sum[:6]) + extension,
		contentType: contentType,
		content:     content,
	}
}

// assets holds what a page loads: one script, one style (the operator's accent at its end) and the icon of the tab.
type assets struct{ script, style, icon asset }

func newAssets(accent colour) (assets, error) {
	script, err := assetFiles.ReadFile("assets/script.js")
	if err != nil {
		return assets{}, fmt.Errorf("read script: %w", err)
	}
	style, err := assetFiles.ReadFile("assets/style.css")
	if err != nil {
		return assets{}, fmt.Errorf("read style: %w", err)
	}
	icon, err := assetFiles.ReadFile("assets/icon.svg")
	if err != nil {
		return assets{}, fmt.Errorf("read icon: %w", err)
	}
	script = lean(script, scriptComments)
	style = lean(append(style, accentStyle(accent)...), styleComments)
	icon = bytes.ReplaceAll(icon, []byte(defaultAccent), []byte(accent.String()))
	icon = bytes.ReplaceAll(icon, []byte(white.String()), []byte(textOn(accent).String()))
	return assets{
		script: newAsset("script", ".js", "text/javascript; charset=utf-8", script),
		style:  newAsset("style", ".css", "text/css; charset=utf-8", style),
		icon:   newAsset("icon", ".svg", "image/svg+xml", icon),
	}, nil
}

// Assets serves the files that the pages load. Mount it on Base+"/assets/"; it looks at the last element of the
// path only, so that a stripped prefix does no harm.
func (s *Site) Assets() http.Handler {
	byName := make(map[string]asset)
	for _, a := range []asset{s.assets.script, s.assets.style, s.assets.icon} {
		byName[a.name] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		a, ok := byName[path.Base(r.URL.Path)]
		if !ok || strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		serveAsset(w, r, a)
	})
}

func serveAsset(w http.ResponseWriter, r *http.Request, a asset) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Length", fmt.Sprint(len(a.content)))
	if r.Method == http.MethodHead {
		return
	}
	w.Write(a.content) // a reader that went away is nobody's error
}
