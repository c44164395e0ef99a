package load

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answers is a server whose answer depends on the path.
func answers(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /plain", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "as it is") })
	mux.HandleFunc("GET /empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /pieces", func(w http.ResponseWriter, _ *http.Request) {
		for _, piece := range []string{"in ", "three ", "pieces"} {
			_, _ = io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("l", 100_000)) })
	mux.HandleFunc("GET /refused", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.Header().Set("DPoP-Nonce", "n-1")
		http.Error(w, "later", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s %s", r.Host, r.Header.Get("X-Proof"), r.Header.Get("Content-Type"), r.PostFormValue("a"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestConnReadsAnswersOfAllKindsOneAfterTheOther(t *testing.T) {
	s := answers(t)
	conn, err := Dial(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	get := func(path string) Request { return Get("any.example", path) }
	head := func(path string) Request { return Request("HEAD " + path + " HTTP/1.1\r\nHost: any.example\r\n\r\n") }
	for _, tc := range []struct {
		name    string
		request Request
		want    Answer
	}{
		{"one with a length", get("/plain"), Answer{Status: 200, Body: []byte("as it is")}},
		{"one without a body", get("/empty"), Answer{Status: 204}},
		{"one with the length of a body that does not come", head("/plain"), Answer{Status: 200}},
		{"one in chunks", get("/pieces"), Answer{Status: 200, Body: []byte("in three pieces")}},
		{"a large one in chunks", get("/large"), Answer{Status: 200, Body: bytes.Repeat([]byte("l"), 100_000)}},
		{"a refusal", get("/refused"), Answer{Status: 503, RetryAfter: "7", Nonce: "n-1", Body: []byte("later\n")}},
		{
			"that of a form", Post("any.example", "/form", "a=b+c", "X-Proof: p"),
			Answer{Status: 200, Body: []byte("any.example p application/x-www-form-urlencoded b c")},
		},
		{"the first kind again", get("/plain"), Answer{Status: 200, Body: []byte("as it is")}},
	} {
		got, err := conn.Do(tc.request)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if len(got.Body) == 0 {
			got.Body = nil
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestARefusalSaysWhatTheServerSaid(t *testing.T) {
	a := Answer{Status: 400, Body: []byte(`{"error":"slow_down"}`)}
	if got, want := a.refusal("/token").Error(), "/token: 400 slow_down"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// reading is a connection on which this was received.
func reading(text []byte) *Conn { return newConn(received{Reader: bytes.NewReader(text)}) }

// received is a connection whose other end has sent all that it will.
type received struct {
	net.Conn
	*bytes.Reader
}

func (r received) Read(b []byte) (int, error) { return r.Reader.Read(b) }

func TestConnRefusesWhatIsNoAnswer(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                "",
		"another protocol":       "SSH-2.0-OpenSSH_9.2p1\r\n",
		"a status in words":      "HTTP/1.1 two OK\r\n\r\n",
		"no end of the headers":  "HTTP/1.1 200 OK\r\nServer: x\r\n",
		"a negative length":      "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
		"a length beyond reason": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
		"half a body":            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive ",
		"headers without an end": "HTTP/1.1 200 OK\r\nServer: " + strings.Repeat("x", maxAnswer),
		"a body without an end":  "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + strings.Repeat("x", maxAnswer),
		"half a chunk":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nfive ",
	} {
		if a, err := reading([]byte(text)).answer(http.MethodGet); err == nil {
			t.Errorf("%s: got %+v, want an error", name, a)
		}
	}
}

func FuzzConnReadsAnything(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nDpop-Nonce: n\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 999\n\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := reading(text).answer(http.MethodGet)
		if err == nil && len(a.Body) > len(text) {
			t.Errorf("got a body of %d bytes out of %d", len(a.Body), len(text))
		}
	})
}

func TestAPhoneRendersItsRequestWithItsCookies(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "browser", Value: "b-1", Path: "/"})
	}))
	defer s.Close()
	at, err := At(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	phone, err := NewPhone(at)
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	if _, err := phone.get("/device"); err != nil {
		t.Fatal(err)
	}
	got, err := phone.FinishRequest("o.1", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "POST /confirm/o.1/finish HTTP/1.1\r\nHost: " + s.Listener.Addr().String() +
		"\r\nContent-Type: application/json\r\nContent-Length: 2\r\nCookie: browser=b-1\r\n\r\n{}"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAServerThatSomebodyElseHasStarted(t *testing.T) {
	s, err := At("http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	got := [3]string{s.Issuer, s.Host, s.Address}
	if want := [3]string{"http://localhost:8080", "localhost:8080", net.JoinHostPort("127.0.0.1", "8080")}; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
