package wire_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestParseClientFrame(t *testing.T) {
	hello := wire.ClientFrame{Type: wire.FrameHello, ClientID: "app", DeviceCode: "code"}
	session := wire.ClientFrame{Type: wire.FrameHello, AccessToken: "a.b.c"}
	cancel := wire.ClientFrame{Type: wire.FrameCancel}
	confirm := wire.ClientFrame{Type: wire.FrameConfirm, Number: "07"}
	var none wire.ClientFrame
	tests := []struct {
		name, frame string
		want        wire.ClientFrame
		ok          bool
	}{
		{"hello", `{"type":"hello","client_id":"app","device_code":"code"}`, hello, true},
		{"hello with a member of a later version", `{"type":"hello","client_id":"app","device_code":"code","more":[1]}`, hello, true},
		{"hello with a member of another type", `{"type":"hello","client_id":"app","device_code":"code","number":{}}`, hello, true},
		{"hello without a device code", `{"type":"hello","client_id":"app"}`, none, false},
		{"hello without a client", `{"type":"hello","device_code":"code"}`, none, false},
		{"hello of nobody", `{"type":"hello"}`, none, false},
		{"hello with an access token", `{"type":"hello","access_token":"a.b.c"}`, session, true},
		{"hello with an access token and empty members", `{"type":"hello","access_token":"a.b.c","client_id":"","device_code":null}`, session, true},
		{"hello with a device code and an empty access token", `{"type":"hello","client_id":"app","device_code":"code","access_token":""}`, hello, true},
		{"hello with all that there is", `{"type":"hello","client_id":"app","device_code":"code","access_token":"a.b.c"}`, none, false},
		{"hello with an access token and a client", `{"type":"hello","client_id":"app","access_token":"a.b.c"}`, none, false},
		{"hello with an access token and a device code", `{"type":"hello","device_code":"code","access_token":"a.b.c"}`, none, false},
		{"hello with an access token of the wrong kind", `{"type":"hello","access_token":["a.b.c"]}`, none, false},
		{"hello with an empty access token", `{"type":"hello","access_token":""}`, none, false},
		{"hello with an access token in another case", `{"type":"hello","Access_Token":"a.b.c"}`, none, false},
		{"cancel", `{"type":"cancel"}`, cancel, true},
		{"cancel with members of another type", `{"type":"cancel","number":1.5,"access_token":1}`, cancel, true},
		{"confirm", `{"type":"confirm","number":"07"}`, confirm, true},
		{"confirm with spaces around the number", `{"type":"confirm","number":" 07\n"}`, confirm, true},
		{"confirm with an integer", `{"type":"confirm","number":47}`, wire.ClientFrame{Type: wire.FrameConfirm, Number: "47"}, true},
		{"confirm with an integer of one digit", `{"type":"confirm","number": 7 }`, confirm, true},
		{"confirm with zero", `{"type":"confirm","number":0}`, wire.ClientFrame{Type: wire.FrameConfirm, Number: "00"}, true},
		{"confirm with the greatest integer", `{"type":"confirm","number":99}`, wire.ClientFrame{Type: wire.FrameConfirm, Number: "99"}, true},
		{"confirm with a greater one", `{"type":"confirm","number":100}`, none, false},
		{"confirm with an integer that overflows", `{"type":"confirm","number":18446744073709551663}`, none, false},
		{"confirm with a negative integer", `{"type":"confirm","number":-7}`, none, false},
		{"confirm with minus zero", `{"type":"confirm","number":-0}`, none, false},
		{"confirm with a fraction", `{"type":"confirm","number":7.0}`, none, false},
		{"confirm with an exponent", `{"type":"confirm","number":4e1}`, none, false},
		{"confirm without a number", `{"type":"confirm"}`, none, false},
		{"confirm with null", `{"type":"confirm","number":null}`, none, false},
		{"confirm with true", `{"type":"confirm","number":true}`, none, false},
		{"confirm with a list", `{"type":"confirm","number":["07"]}`, none, false},
		{"confirm with one digit", `{"type":"confirm","number":"7"}`, none, false},
		{"confirm with three digits", `{"type":"confirm","number":"007"}`, none, false},
		{"confirm with a space between the digits", `{"type":"confirm","number":"0 7"}`, none, false},
		{"confirm with letters", `{"type":"confirm","number":"4x"}`, none, false},
		{"confirm with a sign", `{"type":"confirm","number":"+7"}`, none, false},
		{"confirm with digits of another script", `{"type":"confirm","number":"٧"}`, none, false},
		{"no type", `{}`, none, false},
		{"null", `null`, none, false},
		{"an unknown type", `{"type":"approve"}`, none, false},
		{"a type in another case", `{"type":"Cancel"}`, none, false},
		{"a member of the wrong kind", `{"type":1}`, none, false},
		{"something after the object", `{"type":"cancel"}}`, none, false},
		{"an array", `[]`, none, false},
		{"names in another case", `{"Type":"hello","CLIENT_ID":"app","Device_Code":"code"}`, none, false},
		{"names in another case beside the right ones", `{"type":"cancel","TYPE":"hello"}`, cancel, true},
		{"nothing", ``, none, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseClientFrame([]byte(tt.frame))
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("got %+v, %v; want %+v, ok %t", got, err, tt.want, tt.ok)
			}
			if err != nil && !errors.Is(err, wire.ErrFrame) {
				t.Errorf("%v is not ErrFrame", err)
			}
		})
	}
}

func FuzzParseClientFrame(f *testing.F) {
	f.Add([]byte(`{"type":"hello","client_id":"app","device_code":"code"}`))
	f.Add([]byte(`{"type":"cancel"}`))
	f.Add([]byte(`{"type":"hello","type":"cancel"}`))
	f.Add([]byte(`{"type":"hello","access_token":"a.b.c"}`))
	f.Add([]byte(`{"type":"hello","access_token":"a.b.c","client_id":"app"}`))
	f.Add([]byte(`{"type":"confirm","number":"47"}`))
	f.Add([]byte(`{"type":"confirm","number":" 07 "}`))
	for _, number := range []string{"7", "-0", "0.7e1", "1E1", "99", "100", "null", "[7]", `"\u0037\u0037"`} {
		f.Add([]byte(`{"type":"confirm","number":` + number + `}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := wire.ParseClientFrame(data)
		if err != nil {
			return
		}
		ofGrant, ofSession := frame.DeviceCode != "", frame.AccessToken != ""
		if hello := frame.Type == wire.FrameHello; hello != (ofGrant != ofSession) {
			t.Fatalf("%q reads as %+v", data, frame)
		}
		digits := regexp.MustCompile(`^[0-9]{2}$`).MatchString(frame.Number)
		if confirm := frame.Type == wire.FrameConfirm; confirm != digits || !confirm && frame.Number != "" {
			t.Fatalf("%q reads as %+v", data, frame)
		}
		printed, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := wire.ParseClientFrame(printed); err != nil || again != frame {
			t.Fatalf("%q printed as %s reads back as %+v, %v", data, printed, again, err)
		}
	})
}

func TestParseNumber(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"two digits", "47", "47"},
		{"a leading zero", "07", "07"},
		{"spaces around them", "\t 47\r\n", "47"},
		{"one digit", "7", ""},
		{"three digits", "470", ""},
		{"a space between them", "4 7", ""},
		{"a sign", "-7", ""},
		{"hexadecimal", "4f", ""},
		{"wide digits", "４７", ""},
		{"a superscript", "4²", ""},
		{"nothing", "", ""},
		{"spaces", "  ", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseNumber(tt.text)
			if got != tt.want || errors.Is(err, wire.ErrNumber) != (tt.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name, reason string
		want         time.Duration
		ok           bool
	}{
		{"seconds", "retry_after=7", 7 * time.Second, true},
		{"none", "retry_after=0", 0, true},
		{"more than an hour is cut to one", "retry_after=100000", time.Hour, true},
		{"a number that overflows", "retry_after=99999999999999999999", 0, false},
		{"a negative number", "retry_after=-1", 0, false},
		{"a fraction", "retry_after=1.5", 0, false},
		{"no number", "retry_after=", 0, false},
		{"another reason", "going away", 0, false},
		{"no reason", "", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := wire.ParseRetryAfter(tt.reason); got != tt.want || ok != tt.ok {
				t.Errorf("got %s, %t; want %s, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
	if got := wire.FormatRetryAfter(1500 * time.Millisecond); got != "retry_after=2" {
		t.Errorf("a second and a half: got %q, want it rounded up", got)
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	f.Add("retry_after=7")
	f.Fuzz(func(t *testing.T, reason string) {
		d, ok := wire.ParseRetryAfter(reason)
		if !ok {
			return
		}
		if again, ok := wire.ParseRetryAfter(wire.FormatRetryAfter(d)); !ok || again != d {
			t.Fatalf("%q is %s and reads back as %s", reason, d, again)
		}
	})
}

func TestTerminal(t *testing.T) {
	for state, want := range map[wire.State]bool{
		wire.StatePending: false, wire.StateScanned: false, wire.StateConfirming: false, wire.StateVerifying: false,
		wire.StateSignedIn: false, wire.StateSignedOut: true,
		wire.StateApproved: false, wire.StateRedeemed: true, wire.StateDenied: true, wire.StateCancelled: true, wire.StateExpired: true,
	} {
		if got := state.Terminal(); got != want {
			t.Errorf("%s: got %t, want %t", state, got, want)
		}
	}
}
