package grant_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
)

func TestRotation(t *testing.T) {
	const old, fresh = grant.UserCode("WDJBMJHT"), grant.UserCode("BCDFGHJK")
	due := start.Add(grant.RotateEvery)
	rotated, err := pending().Rotate(due, fresh)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		code grant.UserCode
		now  time.Time
		want bool
	}{
		{"the new code opens at once", fresh, due, true},
		{"the old code opens within its grace", old, due.Add(grant.CodeGrace - time.Second), true},
		{"the old code is refused after its grace", old, due.Add(grant.CodeGrace), false},
		{"the new code opens after the old one's grace", fresh, due.Add(grant.CodeGrace), true},
		{"a code that was never minted opens nothing", "XXXXXXXX", due, false},
		{"no code opens nothing", "", due, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rotated.Opens(tt.now, tt.code); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestDesktopsThatCameTogetherDoNotRotateTogether(t *testing.T) {
	const desktops = 10_000
	perTenth := make(map[time.Duration]int) // of a second
	for range desktops {
		code, err := grant.NewUserCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		g := pending()
		g.Code = code
		after := g.RotationDue().Sub(start)
		if after > grant.RotateEvery || after <= grant.RotateEvery-grant.RotateSpread {
			t.Fatalf("%s rotates after %s, want %s or up to %s sooner", code, after, grant.RotateEvery, grant.RotateSpread)
		}
		perTenth[after.Truncate(100*time.Millisecond)]++
	}
	tenths := int(grant.RotateSpread / (100 * time.Millisecond))
	for tenth, n := range perTenth {
		if n > 2*desktops/tenths {
			t.Errorf("%d of %d rotate in the tenth of a second at %s, want about %d", n, desktops, tenth, desktops/tenths)
		}
	}
}

func TestRotateIsRefused(t *testing.T) {
	due := pending().RotationDue()
	tests := []struct {
		name string
		from grant.State
		now  time.Time
		err  error
	}{
		{"while the code is fresh", grant.Pending, due.Add(-time.Second), grant.ErrNotDue},
		{"once a browser has claimed the grant", grant.Confirming, due, grant.ErrNotDue},
		{"after the approval", grant.Approved, due, grant.ErrApproved},
		{"after a denial", grant.Denied, due, grant.ErrDenied},
		{"after the expiry", grant.Pending, start.Add(300 * time.Second), grant.ErrExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := in(t, tt.from).Rotate(tt.now, "BCDFGHJK"); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}

func TestAScannedGrantGoesOnRotating(t *testing.T) {
	if _, err := in(t, grant.Scanned).Rotate(start.Add(grant.RotateEvery), "BCDFGHJK"); err != nil {
		t.Errorf("got %v: opening the link must not keep a photographed code alive", err)
	}
}
