package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// guesses are user codes that somebody tries, each in another way that there is.
func guesses(n int) (method, address, body string) {
	const letters = "BCDFGHJKLMNPQRSTVWXZ"
	code := make([]byte, 8)
	for i := range code {
		code[i] = letters[rand.N(len(letters))]
	}
	typed := string(code[:4]) + "-" + string(code[4:])
	switch n % 5 {
	case 0:
		return http.MethodGet, "/device?user_code=" + typed, ""
	case 1:
		return http.MethodGet, "/device?user_code=" + typed + "&k=AAAAAAAA", ""
	case 2:
		return http.MethodHead, "/device?user_code=" + typed, ""
	case 3:
		return http.MethodGet, "/device?user_code=" + strings.ToLower(string(code)), ""
	}
	return http.MethodPost, "/device", url.Values{"user_code": {typed}}.Encode()
}

// tally is how a flood of guesses was answered.
type tally struct {
	mu      sync.Mutex
	wrong   int      // that code is wrong; guarded by mu
	over    int      // too many tries; guarded by mu
	strange []answer // guarded by mu
	brazen  []answer // over budget without a time to wait; guarded by mu
}

func (y *tally) count(a answer) {
	y.mu.Lock()
	defer y.mu.Unlock()
	switch a.status {
	case http.StatusNotFound, http.StatusUnprocessableEntity:
		y.wrong++
	case http.StatusTooManyRequests:
		y.over++
		if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 {
			y.brazen = append(y.brazen, a)
		}
	default:
		y.strange = append(y.strange, a)
	}
}

// flood has them all guess at the same time.
func flood(t *testing.T, all []caller) *tally {
	t.Helper()
	y := new(tally)
	var tries sync.WaitGroup
	for n, c := range all {
		method, address, body := guesses(n)
		tries.Go(func() {
			a, err := c.try(method, address, kindForm, strings.NewReader(body), nil)
			if err != nil {
				t.Error(err)
				return
			}
			y.count(a)
		})
	}
	tries.Wait()
	for _, a := range y.strange {
		t.Errorf("a guess is answered with %d: %.200s", a.status, a.body)
	}
	for _, a := range y.brazen {
		t.Errorf("over budget the header is %v", a.header)
	}
	return y
}

// heldOff wants no more than five to have learned that their code is wrong, and at
// least one, so that it was the codes that were wrong.
func (y *tally) heldOff(t *testing.T, of int) {
	t.Helper()
	if y.wrong < 1 || y.wrong > 5 || y.wrong+y.over != of {
		t.Errorf("of %d guesses %d were looked up and %d refused, want 1 to 5 looked up and the rest refused", of, y.wrong, y.over)
	}
}

// sameToAll wants a code that exists to be answered as one that does not: over budget
// nothing is looked up.
func sameToAll(t *testing.T, guesser caller, right string) {
	t.Helper()
	for _, path := range []string{"/device?user_code=", "/device?k=AAAAAAAA&user_code="} {
		yes, no := guesser.get(path+right), guesser.get(path+"BBBB-BBBB")
		for what, a := range map[string]answer{"right": yes, "wrong": no} {
			a.want(t, "a "+what+" code over budget", http.StatusTooManyRequests, "")
		}
		if yes.body != no.body || yes.header.Get("Retry-After") == "" {
			t.Errorf("a right code is answered by\n%s\nand a wrong one by\n%s", yes.body, no.body)
		}
	}
	guesser.form("/device", url.Values{"user_code": {right}}).want(t, "a right code by hand", http.StatusTooManyRequests, "")
}

func TestGuessingCodesInParallelFromOneAddress(t *testing.T) {
	s := serve(t)
	desk := newComputer(t, s.issuer).begin()
	known := newHandset(t, s.issuer)
	known.join("Ada")
	known.get("/device?user_code="+desk.UserCode).want(t, "a right code by hand", http.StatusOK, "")

	// Some keep the cookie that they are given, some begin anew each time.
	keeper := newHandset(t, s.issuer)
	keeper.get("/device")
	var all []caller
	for n := range 200 {
		if n%2 == 0 {
			all = append(all, keeper.caller)
			continue
		}
		all = append(all, newCaller(t, s.issuer))
	}
	flood(t, all).heldOff(t, len(all))
	sameToAll(t, newCaller(t, s.issuer), desk.UserCode)
	stillOpen(t, s, desk, known)
}

// stillOpen wants those who guess nothing to be let through while strangers are not.
func stillOpen(t *testing.T, s *server, desk *computer, known *handset) {
	t.Helper()
	newHandset(t, s.issuer).open(desk.VerificationURIComplete) // scanned by a stranger
	known.get("/device?user_code="+desk.UserCode).want(t, "a right code by the hand of somebody with an account", http.StatusOK, "")
	known.approve(known.scan(desk.VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
	desk.tokens()
}

func TestGuessingCodesInParallelFromManyAddresses(t *testing.T) {
	s, f := serveTheWorld(t)
	desk := newComputer(t, s.issuer).begin()
	known := newHandset(t, s.issuer)
	known.join("Ada")
	var all []caller
	for n := range 300 {
		address := fmt.Sprintf("198.18.%d.%d", n/250, n%250+1) // RFC 2544
		if n%3 == 0 {
			address = fmt.Sprintf("2001:db8:%x::1", n) // of another subscriber each
		}
		all = append(all, newCaller(t, s.issuer, f.from(t, address)))
	}
	flood(t, all).heldOff(t, len(all))
	sameToAll(t, newCaller(t, s.issuer, f.from(t, "192.0.2.200")), desk.UserCode)
	stillOpen(t, s, desk, known)

	// Registration is open, so the attacker makes an account. It buys five guesses, on
	// account of the account.
	t.Run("with an account", func(t *testing.T) {
		mallory := newHandset(t, s.issuer, f.from(t, attackersNetwork))
		mallory.join("Mallory")
		var all []caller
		for range 50 {
			all = append(all, newCaller(t, s.issuer, f.from(t, attackersNetwork)))
			all[len(all)-1].http.Jar = mallory.http.Jar
		}
		flood(t, all).heldOff(t, len(all))
		moved := newHandset(t, s.issuer, f.from(t, "192.0.2.201"))
		moved.pose(mallory.cookie())
		moved.get("/device?user_code=BBBB-BBBB").want(t, "the same account from elsewhere", http.StatusTooManyRequests, "")
	})
}

// TestGuessingOverThePushChannel: a device code or an access token that is hit would
// let its finder listen.
func TestGuessingOverThePushChannel(t *testing.T) {
	s := serve(t)
	signedIn := newComputer(t, s.issuer).begin()
	p := newHandset(t, s.issuer)
	p.join("Ada")
	p.approve(p.scan(signedIn.VerificationURIComplete)).want(t, "approve", http.StatusOK, "")
	tok := signedIn.tokens()
	waiting := newComputer(t, s.issuer).begin()

	began := time.Now()
	var mu sync.Mutex
	codes := map[int]int{}
	var tries sync.WaitGroup
	const all = 120
	for n := range all {
		guesser := newComputer(t, s.issuer)
		hello := []wire.ClientFrame{
			{ClientID: demoClient, DeviceCode: notACode},
			{ClientID: demoClient, DeviceCode: waiting.DeviceCode + "A"},
			{ClientID: "another", DeviceCode: waiting.DeviceCode}, // right, but not this client's
			{AccessToken: notACode},
			{AccessToken: tok.AccessToken[:len(tok.AccessToken)-8] + "AAAAAAAA"}, // another signature
		}[n%5]
		hello.Type = wire.FrameHello
		tries.Go(func() {
			conn, err := guesser.socket()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			code := greet(conn, hello)
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	tries.Wait()
	most := wrongDeviceCodes(time.Since(began))
	if n := codes[wire.CloseUnknown]; n < 20 || n > most || codes[wire.CloseOverBudget] != all-n {
		t.Errorf("of %d guesses got %v, want 20 to %d of %d and the rest %d", all, codes, most, wire.CloseUnknown, wire.CloseOverBudget)
	}
	// The other way to try a device code has no budget of its own.
	a := newComputer(t, s.issuer).send(wire.PathConfirmation, url.Values{"device_code": {notACode}, "number": {"47"}})
	if a.status != http.StatusTooManyRequests && time.Since(began) < 3*time.Second {
		t.Errorf("a guess at %s got %d %s, want 429", wire.PathConfirmation, a.status, a.body)
	}

	// A neighbour who has the real thing is not kept out.
	waiting.attach().until(wire.StatePending)
	waiting.hello(wire.ClientFrame{Type: wire.FrameHello, AccessToken: tok.AccessToken}).until(wire.StateSignedIn)
}
