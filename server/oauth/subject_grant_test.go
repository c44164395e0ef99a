package oauth

import (
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/grant"
)

func TestHowLongAGrantHolds(t *testing.T) {
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	g := grant.New(start, grant.Request{Code: "WDJBMJHT", Lifetime: 5 * time.Minute})
	due := g.RotationDue()
	claimed := g
	claimed.State = grant.Confirming
	tests := []struct {
		name  string
		grant grant.Grant
		now   time.Time
		want  time.Duration
	}{
		{"until its code is due", g, due.Add(-time.Second), time.Second},
		{"a while, if it is due this moment", g, due, overdue},
		{"a while, if the code could not be replaced", g, due.Add(time.Minute), overdue},
		{"until it expires, if that is sooner", g, g.ExpiresAt.Add(-time.Second), time.Second},
		{"until it expires, if no code opens it any more", claimed, start, 5 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := holdsFor(tt.now, tt.grant); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
