package desktop_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

type (
	httpWriter  = http.ResponseWriter
	httpRequest = http.Request
)

// abort breaks a connection off without an answer.
var abort = http.ErrAbortHandler

// synctestUntil lets a bubble's time pass.
func synctestUntil(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	synctest.Wait()
}

// since is each time as measured from the beginning.
func since(began time.Time, times []time.Time) (ds []time.Duration) {
	for _, at := range times {
		ds = append(ds, at.Sub(began))
	}
	return ds
}

func refusePush(status int) func(int, httpWriter, *httpRequest) bool {
	return func(_ int, w httpWriter, _ *httpRequest) bool {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return true
	}
}

func onlyFirst(n int, w httpWriter, r *httpRequest) bool {
	return n > 1 && refusePush(http.StatusForbidden)(n, w, r)
}

// swallow never answers.
func swallow(_ int, _ httpWriter, r *httpRequest) bool {
	<-r.Context().Done()
	return true
}

// elsewhere names a push channel on another host.
func elsewhere(w httpWriter, _ *httpRequest) bool {
	answer(w, http.StatusOK, wire.DeviceAuthorization{
		DeviceCode: fakeDeviceCode, UserCode: "WDJB-MJHT", VerificationURI: "http://localhost:8080/device",
		ExpiresIn: 300, Interval: 5, PushURI: "wss://evil.example/push",
	})
	return true
}
