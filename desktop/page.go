package desktop

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
)

// pageStyle is all of the page's look, in the colours of the phone's pages.
const pageStyle = `:root{color-scheme:light dark}` +
	`body{margin:0;min-height:100vh;display:grid;place-items:center;font:17px/1.5 system-ui,sans-serif;background:#f3f4f8;color:#14171f}` +
	`main{max-width:372px;margin:16px;padding:32px 24px;border-radius:16px;background:#fff;text-align:center}` +
	`h1{margin:0 0 8px;font-size:28px;line-height:1.25}p{margin:0;color:#565d6e}` +
	`@media(prefers-color-scheme:dark){body{background:#0d0f14;color:#eef0f5}main{background:#171a21}p{color:#a4abba}}`

const pageText = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>{{.Style}}</style>
<main><h1>{{.Title}}</h1><p>Go back to {{.App}}{{if .Again}} to try again{{end}}.</p></main>
</html>
`

// ending is how a sign-in ended, as the page's title says it.
type ending string

const (
	endedWell  ending = "You're signed in"
	endedBadly ending = "Not signed in"
)

// page ends the browser's part. It has no scripts, loads nothing, and says nothing
// that came with the request.
func (d *door) page(w http.ResponseWriter, status int, how ending) {
	sum := sha256.Sum256([]byte(pageStyle))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // the address has the code in it
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	w.WriteHeader(status)
	page := template.Must(template.New("").Parse(pageText))
	_ = page.Execute(w, struct { // on an error the browser has hung up: the sign-in goes on without
		Title ending
		App   string
		Style template.CSS
		Again bool
	}{how, d.appName, pageStyle, how != endedWell})
}
