package desktop_test

import (
	"net/http"
	"slices"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// serveNumber is the endpoint for desktops without push.
func (f *fake) serveNumber(w http.ResponseWriter, r *http.Request) {
	n := len(f.numbersSeen()) + 1
	if f.onNumber != nil && f.onNumber(n, w, r) {
		return
	}
	if r.PostFormValue(wire.ParamDeviceCode) != fakeDeviceCode || r.PostFormValue(wire.ParamClientID) != fakeClient {
		refuse(w, http.StatusBadRequest, wire.CodeInvalidGrant)
		return
	}
	switch code, left := f.confirm(r.PostFormValue(wire.ParamNumber)); code {
	case "":
		answer(w, http.StatusOK, wire.DeviceConfirmation{State: wire.StateApproved})
	default:
		answer(w, http.StatusBadRequest, wire.Error{Code: code, TriesLeft: left})
	}
}

// confirm takes a number, and says what is wrong with it.
func (f *fake) confirm(number string) (code string, left int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbers = append(f.numbers, number)
	if f.state != wire.StateVerifying {
		return wire.CodeInvalidRequest, 0
	}
	defer f.tellAll()
	f.seq++
	if number == f.number {
		f.state = wire.StateApproved
		return "", 0
	}
	if f.tries--; f.tries == 0 {
		f.state = wire.StateDenied
		return wire.CodeAccessDenied, 0
	}
	return wire.CodeIncorrectNumber, f.tries
}

// numbersSeen are those that were counted.
func (f *fake) numbersSeen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.numbers)
}

// losesFirstNumber takes the first number and hangs up in place of an answer.
func (f *fake) losesFirstNumber(n int, _ httpWriter, r *httpRequest) bool {
	if n > 1 {
		return false
	}
	f.confirm(r.PostFormValue(wire.ParamNumber))
	panic(http.ErrAbortHandler)
}
