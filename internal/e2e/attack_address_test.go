package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// TestAForgedForwardedHeaderChangesNothing: where a request comes from decides the
// risk and the budgets, so an attacker says that it comes from somewhere else.
func TestAForgedForwardedHeaderChangesNothing(t *testing.T) {
	// lies are all that is said on the net of where a request comes from.
	lies := func(address string) http.Header {
		return http.Header{
			"X-Forwarded-For": {address}, "Forwarded": {"for=" + address}, "X-Real-Ip": {address}, "Client-Ip": {address},
			"True-Client-Ip": {address}, "Cf-Connecting-Ip": {address}, "X-Client-Ip": {address}, "X-Forwarded": {"for=" + address},
		}
	}

	t.Run("without a proxy the risk is that of the real peers", func(t *testing.T) {
		s := serve(t)
		victim := newHandset(t, s.issuer)
		victim.join("Ada")
		for _, from := range []string{"", attackersNetwork, "127.0.0.1"} { // none, another place, and as a proxy would
			desk := newComputer(t, s.issuer)
			if from != "" {
				desk.forge = lies(from)
				victim.forge = lies(victimsNetwork)
			}
			opening := victim.scan(desk.begin().VerificationURIComplete)
			page := victim.page(opening)
			if !page.says("same network") || page.says(attackersNetwork) || page.says(victimsNetwork) {
				t.Errorf("a computer that says it is at %q is shown as:\n%s", from, page.body)
			}
			victim.approve(opening).want(t, "approve", http.StatusOK, "")
			desk.tokens()
		}
		for _, r := range s.audit(t) {
			for _, address := range []string{r.Personal.Address, r.Personal.Desktop} {
				if address != "" && address != "127.0.0.1" {
					t.Errorf("the audit log has %s at %s", r.Type, address)
				}
			}
		}
	})

	t.Run("without a proxy the budgets are those of the real peer", func(t *testing.T) {
		s := serve(t)
		began := time.Now()
		codes := map[int]int{}
		for n := range 60 {
			desk := newComputer(t, s.issuer)
			desk.forge = lies(fmt.Sprintf("203.0.113.%d", n))
			codes[guessPushed(t, desk)]++
		}
		if most := wrongDeviceCodes(time.Since(began)); codes[wire.CloseUnknown] > most || codes[wire.CloseOverBudget] != 60-codes[wire.CloseUnknown] {
			t.Errorf("got %v, want at most %d answers that say %d and the rest %d", codes, most, wire.CloseUnknown, wire.CloseOverBudget)
		}
	})

	t.Run("behind a proxy people at other addresses have budgets of their own", func(t *testing.T) {
		s, f := serveTheWorld(t)
		for n := range 60 {
			desk := newComputer(t, s.issuer, f.from(t, fmt.Sprintf("203.0.113.%d", n)))
			if code := guessPushed(t, desk); code != wire.CloseUnknown {
				t.Fatalf("the guess from address %d is answered with %d, want %d", n, code, wire.CloseUnknown)
			}
		}
	})

	t.Run("past the proxy nothing is believed", func(t *testing.T) {
		s, _ := serveTheWorld(t)
		direct := newComputer(t, "http://"+s.listen, from("127.9.9.9"))
		direct.forge = lies(victimsNetwork)
		began := time.Now()
		codes := map[int]int{}
		for n := range 30 {
			direct.forge = lies(fmt.Sprintf("203.0.113.%d", n))
			codes[guessPushed(t, direct)]++
		}
		if codes[wire.CloseUnknown] > wrongDeviceCodes(time.Since(began)) || codes[wire.CloseOverBudget] == 0 {
			t.Errorf("got %v, want most to be %d", codes, wire.CloseOverBudget)
		}
	})

	// The attacker is on the net, and says that they are where the victim is.
	for name, lie := range map[string]http.Header{
		"by the header that the proxy adds to": {"X-Forwarded-For": {victimsNetwork}},
		"by several lines of it":               {"X-Forwarded-For": {victimsNetwork, victimsNetwork + ", 127.0.0.1"}},
		"as if another proxy had been there":   {"X-Forwarded-For": {victimsNetwork + ", 127.0.0.1, ::1"}},
		"with what is no address at the end":   {"X-Forwarded-For": {victimsNetwork + ", unknown,"}},
		"by names of other proxies'":           {"X-Real-Ip": {victimsNetwork}, "True-Client-Ip": {victimsNetwork}},
	} {
		t.Run("through a proxy "+name, func(t *testing.T) {
			s, f := serveTheWorld(t)
			victim := newHandset(t, s.issuer, f.from(t, victimsNetwork))
			victim.join("Ada")
			honest := newComputer(t, s.issuer, f.from(t, victimsNetwork)).begin()
			if page := victim.get(honest.VerificationURIComplete); !page.says("same network") {
				t.Fatalf("a computer on the victim's own network is shown as:\n%s", page.body)
			}
			evil := newComputer(t, s.issuer, f.from(t, attackersNetwork))
			evil.forge = lie
			opening := victim.scan(evil.begin().VerificationURIComplete)
			if page := victim.page(opening); page.says("same network") || page.says(victimsNetwork) {
				t.Errorf("the computer is shown as:\n%s", page.body)
			}
			victim.approve(opening).want(t, "approve", http.StatusOK, "")
			evil.poll().want(t, "redeem without the number", http.StatusBadRequest, wire.CodeAuthorizationPending)
			evil.bring(victim.number(opening)).want(t, "the number", http.StatusOK, "")
		})
	}

	// Whoever could hide where they are would be less of a risk than who is seen to be far away.
	for name, lie := range map[string]http.Header{
		"by the header that it does not mind": {"Forwarded": {"for=" + victimsNetwork}},
		"by both":                             {"X-Forwarded-For": {victimsNetwork}, "Forwarded": {"for=" + victimsNetwork + ";by=127.0.0.1"}},
	} {
		t.Run("a proxy is contradicted in vain "+name, func(t *testing.T) {
			s, f := serveTheWorld(t)
			evil := newComputer(t, s.issuer, f.from(t, attackersNetwork))
			evil.begin() // it may ask
			evil.forge = lie
			if a := evil.ask(); a.status != http.StatusBadRequest {
				t.Errorf("got %d, want 400", a.status)
			}
		})
	}
}

// guessPushed says hello with a device code that nobody has, and returns the code with
// which the socket was closed.
func guessPushed(t *testing.T, c *computer) int {
	t.Helper()
	conn, err := c.socket()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return greet(conn, wire.ClientFrame{Type: wire.FrameHello, ClientID: c.client, DeviceCode: notACode})
}

// greet says hello and returns the code with which the socket was closed.
func greet(conn *websocket.Conn, hello wire.ClientFrame) int {
	if err := conn.WriteJSON(hello); err != nil {
		return 0
	}
	return closing(conn)
}

// notACode looks like a device code.
const notACode = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// wrongDeviceCodes is how many an address may try in that time: twenty, and one more
// each three seconds.
func wrongDeviceCodes(in time.Duration) int { return 20 + int(in/(3*time.Second)) + 1 }
