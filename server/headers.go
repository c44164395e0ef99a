package server

import "net/http"

// maxBody bounds what a request may carry. The largest is a passkey's answer, of
// a few kilobytes.
const maxBody = 64 << 10

// secureHeaders sets what suits every answer; the faces add what suits theirs.
func secureHeaders(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // links hold user codes
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// bounded cuts off a body of more than maxBody. It does so in the request itself,
// which http.MaxBytesHandler would copy for each. Most requests have none.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hasBody(r) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		} else {
			r.Body = http.NoBody
		}
		next.ServeHTTP(w, r)
	})
}

// hasBody reports whether a body follows the request's headers. HTTP/2 makes a Body for
// each.
func hasBody(r *http.Request) bool { return r.ContentLength != 0 }
