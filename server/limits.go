package server

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/budget"
	"github.com/qrauthd/qrauthd/internal/ratelimit"
)

// Rate is a budget: Count at once, and as many again over each Per. The zero
// Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// ParseRate reads COUNT/DURATION, as in 60/1m; "off" is no limit.
func ParseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	count, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	d, err2 := time.ParseDuration(per)
	if err != nil || err2 != nil || n <= 0 || d <= 0 {
		return Rate{}, fmt.Errorf("%q is not a rate: use a form such as 60/1m, or off", text)
	}
	return Rate{n, d}, nil
}

// String is the form that ParseRate reads.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "off"
	}
	return fmt.Sprintf("%d/%s", r.Count, r.Per)
}

// Limits are the budgets of one server process. A zero Rate or count is no limit.
type Limits struct {
	// Off lifts every budget, and with them slow_down, whatever the rest says.
	Off bool

	Starts            Rate // sign-ins begun, per address
	StartsPerClient   Rate
	StartsCrowd       Rate // sign-ins begun, per address, beyond which they are a risk
	Guesses           Rate // user codes that opened nothing, per address (RFC 8628 section 5.1)
	GuessesPerBrowser Rate
	GuessesPerAccount Rate // of people with an account
	GuessesOverall    Rate // of all strangers together
	DeviceCodes       Rate // wrong device codes and access tokens, per address
	Ceremonies        Rate // passkey ceremonies begun: to approve, per grant; to join and to sign in, per address
	Recoveries        Rate // recovery codes and invitations tried, per address
	Numbers           Rate // wrong numbers brought by desktops, per address
	Frames            Rate // push frames from one desktop
	Sockets           int  // push sockets at a time, per address, but for those of sessions
	SessionSockets    int  // push sockets of desktops that are signed in at a time, per address
	SocketsPerGrant   int  // and per session
	Connections       int  // in all, but for what the limit on open files leaves
	Waits             int  // phones' pages that wait for news at a time, per address
}

// DefaultLimits suit an office behind one address.
func DefaultLimits() Limits {
	return Limits{
		Starts:            Rate{60, time.Minute},
		StartsPerClient:   Rate{6000, time.Minute},
		StartsCrowd:       Rate{20, time.Minute},
		Guesses:           Rate{5, 10 * time.Minute},
		GuessesPerBrowser: Rate{5, 10 * time.Minute},
		GuessesPerAccount: Rate{5, 10 * time.Minute},
		GuessesOverall:    Rate{5, 10 * time.Minute},
		DeviceCodes:       Rate{20, time.Minute},
		Ceremonies:        Rate{60, time.Minute},
		Recoveries:        Rate{30, time.Minute},
		Numbers:           Rate{30, time.Minute},
		Frames:            Rate{20, 10 * time.Second},
		Sockets:           512,
		SessionSockets:    2048,
		SocketsPerGrant:   3,
		Connections:       65536,
		Waits:             512,
	}
}

func (l Limits) validate() error {
	var faults []error
	rate := func(name string, r Rate) {
		if r != (Rate{}) && (r.Count <= 0 || r.Per <= 0) {
			faults = append(faults, fmt.Errorf("limits.%s %d in %s is not a rate: use a form such as 60/1m, or off", name, r.Count, r.Per))
		}
	}
	rate("starts", l.Starts)
	rate("starts_per_client", l.StartsPerClient)
	rate("starts_crowd", l.StartsCrowd)
	rate("guesses", l.Guesses)
	rate("guesses_per_browser", l.GuessesPerBrowser)
	rate("guesses_per_account", l.GuessesPerAccount)
	rate("guesses_overall", l.GuessesOverall)
	rate("device_codes", l.DeviceCodes)
	rate("ceremonies", l.Ceremonies)
	rate("recoveries", l.Recoveries)
	rate("numbers", l.Numbers)
	rate("frames", l.Frames)
	count := func(name string, n int) {
		if n < 0 {
			faults = append(faults, fmt.Errorf("limits.%s %d is negative: use 0 for no bound", name, n))
		}
	}
	count("sockets", l.Sockets)
	count("session_sockets", l.SessionSockets)
	count("sockets_per_grant", l.SocketsPerGrant)
	count("connections", l.Connections)
	count("waits", l.Waits)
	return errors.Join(faults...)
}

// effective are the limits that hold: none when they are off.
func (l Limits) effective() Limits {
	if l.Off {
		return Limits{Off: true}
	}
	return l
}

func (l Limits) budget() budget.Limits {
	return budget.Limits{
		Starts:            ratelimit.Rate(l.Starts),
		StartsPerClient:   ratelimit.Rate(l.StartsPerClient),
		Crowd:             ratelimit.Rate(l.StartsCrowd),
		Guesses:           ratelimit.Rate(l.Guesses),
		GuessesPerBrowser: ratelimit.Rate(l.GuessesPerBrowser),
		GuessesPerAccount: ratelimit.Rate(l.GuessesPerAccount),
		GuessesOverall:    ratelimit.Rate(l.GuessesOverall),
		DeviceCodes:       ratelimit.Rate(l.DeviceCodes),
		Ceremonies:        ratelimit.Rate(l.Ceremonies),
		Recoveries:        ratelimit.Rate(l.Recoveries),
		Numbers:           ratelimit.Rate(l.Numbers),
		Frames:            ratelimit.Rate(l.Frames),
		Sockets:           l.Sockets,
		SessionSockets:    l.SessionSockets,
		SocketsPerGrant:   l.SocketsPerGrant,
		Waits:             l.Waits,
	}
}
