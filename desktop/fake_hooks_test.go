package desktop_test

import (
	"fmt"
	"net/http"

	"github.com/qrauthd/qrauthd/internal/wire"
)

type (
	httpWriter  = http.ResponseWriter
	httpRequest = http.Request
)

// refusePush answers an upgrade as a proxy does that knows no WebSockets.
func refusePush(status int) func(int, httpWriter, *httpRequest) bool {
	return func(_ int, w httpWriter, _ *httpRequest) bool {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		return true
	}
}

// onlyFirst lets one upgrade through.
func onlyFirst(n int, w httpWriter, r *httpRequest) bool {
	return n > 1 && refusePush(http.StatusForbidden)(n, w, r)
}

// swallow never answers.
func swallow(_ int, _ httpWriter, r *httpRequest) bool {
	<-r.Context().Done()
	return true
}

// flush sends what there is of an answer, and not its end.
func flush(w httpWriter) { _ = http.NewResponseController(w).Flush() }

// loseFirst redeems at the first poll, and the connection breaks before the
// answer is out.
func (f *fake) loseFirst(n int, _ httpWriter, _ *httpRequest) bool {
	if n != 1 {
		return false
	}
	f.set(wire.StateRedeemed)
	panic(http.ErrAbortHandler)
}

// elsewhere names a push channel on another host.
func elsewhere(w httpWriter, _ *httpRequest) bool {
	answer(w, http.StatusOK, wire.DeviceAuthorization{
		DeviceCode: fakeDeviceCode, UserCode: "WDJB-MJHT", VerificationURI: "http://localhost:8080/device",
		ExpiresIn: 300, Interval: 5, PushURI: "wss://evil.example/push",
	})
	return true
}

// sprint is for values that go vet would look into.
func sprint(format string, value any) string { return fmt.Sprintf(format, value) }
