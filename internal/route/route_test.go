package route_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/qrauthd/qrauthd/internal/route"
)

func TestAPathAnswersForTheMethodsThatItDoesNotHave(t *testing.T) {
	mux := route.NewMux()
	say := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	mux.Handle("GET /page", say(201))
	mux.Handle("POST /page", say(202))
	mux.Handle("POST /things/{id}/remove", say(203))
	mux.Handle("POST /things/all/begin", say(204))
	mux.Handle("GET /files/", say(205))
	mux.Handle("GET /{$}", say(206))
	mux.Handle("/any", say(207))
	mux.Handle("/", say(404))

	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/page", 201, ""},
		{"HEAD", "/page", 201, ""},
		{"POST", "/page", 202, ""},
		{"PUT", "/page", 405, "GET, HEAD, POST"},
		{"OPTIONS", "/page", 405, "GET, HEAD, POST"},
		{"POST", "/things/1/remove", 203, ""},
		{"GET", "/things/1/remove", 405, "POST"},
		{"POST", "/things/all/begin", 204, ""},
		{"DELETE", "/files/a.css", 405, "GET, HEAD"},
		{"GET", "/files/a.css", 205, ""},
		{"GET", "/", 206, ""},
		{"PATCH", "/", 405, "GET, HEAD"},
		{"PATCH", "/any", 207, ""},
		{"PATCH", "/nothing", 404, ""},
		{"GET", "/page/nothing", 404, ""},
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, nil))
		if w.Code != tc.status || w.Header().Get("Allow") != tc.allow {
			t.Errorf("%s %s: got %d, Allow %q, want %d, %q", tc.method, tc.path, w.Code, w.Header().Get("Allow"), tc.status, tc.allow)
		}
	}
}
