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
// which http.MaxBytesHandler would copy for each.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
