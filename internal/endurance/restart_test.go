package endurance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/wire"
)

const (
	// askedBackASecond is how many desktops a stopping server may ask back for one second.
	askedBackASecond = 500
	// stopsWithin is how long a server may take to stop, whatever goes on.
	stopsWithin = 10 * time.Second
	// throng is how many desktops knock at the same time at most. Of more the kernel turns
	// some away, for a while that doubles (net.core.somaxconn is 4096).
	throng = 1000
	// apps is how many of the desktops are real ones, by the SDK.
	apps = 100
)

// manyDesktops is as many as the machine has time for.
func manyDesktops() int {
	if testing.Short() || len(raceFlags) > 0 {
		return 2000
	}
	return 10_000
}

// TestARestartLosesNobodyAndMakesNoStampede: every desktop is told when to come back,
// few are told the same second, all come back, and who is then approved gets tokens.
func TestARestartLosesNobodyAndMakesNoStampede(t *testing.T) {
	l := load.Launch{Data: t.TempDir(), Args: []string{"--limits", "off", "--log-level", "warn"}}
	s := launch(t, l)
	crowd := gather(t, s, manyDesktops()-apps)
	logins := beginLogins(t, s, apps)

	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > stopsWithin {
		t.Errorf("it took %s to stop, want %s at most", took, stopsWithin)
	}
	told := recalled(t, crowd)
	wantSpread(t, told)

	l.Listen = s.Address
	s = launch(t, l)
	comeBack(t, s, crowd, told)
	t.Logf("%d desktops were back after %s", len(crowd), time.Since(began).Round(time.Second))
	approveAll(t, s, logins)
}

// TestAKilledServerLosesNobody: there are no close frames, and the desktops find each
// their own time to come back.
func TestAKilledServerLosesNobody(t *testing.T) {
	l := load.Launch{Data: t.TempDir(), Args: []string{"--limits", "off", "--log-level", "warn"}}
	s := launch(t, l)
	logins := beginLogins(t, s, apps)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, "the desktops notice", func() bool { return !slices.ContainsFunc(logins, pushed) })
	l.Listen = s.Address
	s = launch(t, l)
	approveAll(t, s, logins)
}

// TestAStampedeIsServed: the desktops of a server that was killed may be of a kind that
// comes back all at once.
func TestAStampedeIsServed(t *testing.T) {
	l := load.Launch{Data: t.TempDir(), Args: []string{"--limits", "off", "--log-level", "warn"}}
	s := launch(t, l)
	crowd := gather(t, s, manyDesktops())
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	l.Listen = s.Address
	s = launch(t, l)
	comeBack(t, s, crowd, make([]time.Duration, len(crowd)))
	if len(raceFlags) > 0 {
		return // its memory is not the server's
	}
	u, err := s.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if most := int64(96<<20 + 16<<10*len(crowd)); u.Resident > most {
		t.Errorf("%d desktops that came at once left %d MiB, want %d at most", len(crowd), u.Resident>>20, most>>20)
	}
}

// gather has a crowd wait until the test ends.
func gather(t testing.TB, s *load.Server, n int) load.Crowd {
	t.Helper()
	crowd, err := load.Gather(t.Context(), s, n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = crowd.Close() })
	return crowd
}

// recalled is when each of the crowd was told to come back.
func recalled(t *testing.T, crowd load.Crowd) []time.Duration {
	t.Helper()
	told := make([]time.Duration, len(crowd))
	for i, w := range crowd {
		<-w.Ended()
		var bye *websocket.CloseError
		if !errors.As(w.Why(), &bye) || bye.Code != wire.CloseRestart {
			t.Fatalf("desktop %d: got %v, want close code %d", i, w.Why(), wire.CloseRestart)
		}
		var ok bool
		if told[i], ok = wire.ParseRetryAfter(bye.Text); !ok {
			t.Fatalf("desktop %d was told %q, want when to come back", i, bye.Text)
		}
	}
	return told
}

// wantSpread wants few to be told the same second, and nobody to wait for longer than it
// takes to ask all of them back.
func wantSpread(t *testing.T, told []time.Duration) {
	t.Helper()
	perSecond := make(map[time.Duration]int)
	longest := time.Duration(2+(len(told)+apps)/askedBackASecond) * time.Second
	for _, after := range told {
		perSecond[after]++
		if after < time.Second || after > longest {
			t.Errorf("told to come back after %s, want one second to %s", after, longest)
		}
	}
	for after, n := range perSecond {
		if n > askedBackASecond {
			t.Errorf("%d are told to come back after %s, want %d at most", n, after, askedBackASecond)
		}
	}
}

// comeBack has each of the crowd attach again when it was told to, as the SDK does, and
// wants each to find its sign-in as it was.
func comeBack(t *testing.T, s *load.Server, crowd load.Crowd, told []time.Duration) {
	t.Helper()
	back := make(load.Crowd, len(crowd))
	t.Cleanup(func() { _ = back.Close() })
	faults := make([]error, len(crowd))
	door := make(chan struct{}, throng)
	var coming sync.WaitGroup
	for i, w := range crowd {
		coming.Go(func() {
			_ = w.Close() // both ends of what is over are files
			if told[i] > 0 {
				pause(told[i] + rand.N(time.Second))
			}
			door <- struct{}{}
			defer func() { <-door }()
			back[i], faults[i] = reattach(t.Context(), s, w.Grant)
		})
	}
	coming.Wait()
	if err := errors.Join(faults...); err != nil {
		t.Fatal(err)
	}
}

// reattach has a desktop wait for its grant again. It goes on trying, for a machine with
// ten thousand desktops on it may be too slow for all of them at once.
func reattach(ctx context.Context, s *load.Server, d wire.DeviceAuthorization) (*load.Waiting, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	for {
		w, err := load.Attach(ctx, s, d, net.IPv4(127, 0, 2, 1))
		switch {
		case err == nil:
			return w, wantPending(w)
		case ctx.Err() != nil:
			return nil, err
		}
		pause(rand.N(2 * time.Second))
	}
}

func wantPending(w *load.Waiting) error {
	if snap, _ := w.Newest(); snap.State != wire.StatePending || snap.UserCode == "" {
		return fmt.Errorf("a desktop came back to %+v, want pending with a code", snap)
	}
	return nil
}

// beginLogins has apps wait on the push channel.
func beginLogins(t *testing.T, s *load.Server, n int) []*desktop.Login {
	t.Helper()
	client, err := desktop.New(desktop.Config{Issuer: s.Issuer, ClientID: load.App})
	if err != nil {
		t.Fatal(err)
	}
	logins := make([]*desktop.Login, n)
	for i := range logins {
		if logins[i], err = client.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all wait on the push channel", func() bool { return allPushed(logins) })
	return logins
}

func allPushed(logins []*desktop.Login) bool {
	return !slices.ContainsFunc(logins, func(l *desktop.Login) bool { return !pushed(l) })
}

func pushed(l *desktop.Login) bool { return l.Current().Pushed }

// approveAll wants the apps to be back on the push channel, and to get tokens when they
// are approved.
func approveAll(t *testing.T, s *load.Server, logins []*desktop.Login) {
	t.Helper()
	until(t, "all wait on the push channel again", func() bool { return allPushed(logins) })
	phone, err := load.NewPhone(s)
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	if err := phone.Join("Ada"); err != nil {
		t.Fatal(err)
	}
	for i, l := range logins {
		if err := phone.Approve(l.Current().Link()); err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
		session, err := l.Wait(t.Context())
		if err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
		if token, err := session.Token(); err != nil || token.AccessToken == "" {
			t.Fatalf("login %d: no token: %v", i, err)
		}
	}
}
