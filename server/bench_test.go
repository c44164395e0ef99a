package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// BenchmarkHandler is what a machine request costs below net/http, log line included.
func BenchmarkHandler(b *testing.B) {
	c := benchConfig(b)
	s, err := New(b.Context(), c, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	wish := url.Values{wire.ParamClientID: {DemoClientID}, wire.ParamDeviceName: {"ALICE-PC"}}
	begun := httptest.NewRecorder()
	s.Handler().ServeHTTP(begun, newCall(s, wire.PathDeviceAuthorization, wish).request)
	var d wire.DeviceAuthorization
	if err := json.Unmarshal(begun.Body.Bytes(), &d); err != nil {
		b.Fatal(err)
	}

	b.Run("pending poll", func(b *testing.B) {
		repeat(b, s, http.StatusBadRequest, newCall(s, wire.PathToken, url.Values{
			wire.ParamGrantType: {wire.GrantTypeDeviceCode}, wire.ParamClientID: {DemoClientID}, wire.ParamDeviceCode: {d.DeviceCode},
		}))
	})
	b.Run("start", func(b *testing.B) {
		repeat(b, s, http.StatusOK, newCall(s, wire.PathDeviceAuthorization, wish))
	})
}

func benchConfig(b *testing.B) Config {
	c := DefaultConfig()
	c.Demo = true
	c.Listen = "127.0.0.1:0"
	c.DataDir = b.TempDir()
	c.Limits.Off = true
	return c
}

// call is a request that is made again and again.
type call struct {
	request *http.Request
	body    *strings.Reader
	form    string
}

func newCall(s *Server, path string, form url.Values) *call {
	body := form.Encode()
	c := &call{form: body, body: strings.NewReader(body)}
	c.request = httptest.NewRequest(http.MethodPost, s.Issuer()+path, c.body)
	c.request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c
}

// again is the request as it was at first, as net/http makes it.
func (c *call) again() *http.Request {
	c.body.Reset(c.form)
	r := *c.request
	r.Body = io.NopCloser(c.body)
	return &r
}

// repeat measures the call, whose every answer has the status.
func repeat(b *testing.B, s *Server, status int, c *call) {
	b.ReportAllocs()
	w := &sink{header: http.Header{}}
	for b.Loop() {
		clear(w.header)
		w.body.Reset()
		s.Handler().ServeHTTP(w, c.again())
		if w.status != status {
			b.Fatalf("got %d %s, want %d", w.status, w.body.Bytes(), status)
		}
	}
}

// sink takes an answer without an allocation.
type sink struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *sink) Header() http.Header         { return w.header }
func (w *sink) WriteHeader(status int)      { w.status = status }
func (w *sink) Write(b []byte) (int, error) { return w.body.Write(b) }
