package audit_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

func TestAHeadReadsBack(t *testing.T) {
	for _, want := range []auth.AuditHead{
		{},
		{Seq: 1, Hash: secret.From("x").Hash()},
		{Seq: math.MaxInt64, Hash: secret.From("y").Hash()},
	} {
		got, err := audit.ParseHead(audit.FormatHead(want))
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", audit.FormatHead(want), got, err, want)
		}
	}
}

func TestParseHeadRefuses(t *testing.T) {
	digits := strings.Repeat("0a", 32)
	for name, text := range map[string]string{
		"nothing":                     "",
		"a number without a hash":     "7",
		"a number and half a hash":    "7:" + digits[:32],
		"a hash that is too long":     "7:" + digits + "00",
		"a hash in upper case":        "7:" + strings.ToUpper(digits),
		"a hash without a number":     ":" + digits,
		"a number with a sign":        "+7:" + digits,
		"a number below zero":         "-7:" + digits,
		"a number with zeros":         "007:" + digits,
		"a number that is too large":  strconv.FormatUint(math.MaxInt64+1, 10) + ":" + digits,
		"white space":                 " 7:" + digits,
		"a second colon":              "7:" + digits + ":",
		"letters that are none":       "7:" + strings.Repeat("g", 64),
		"a hash of no record":         "0:" + digits,
		"a record without a hash":     "7:" + strings.Repeat("0", 64),
		"digits of another alphabet":  "٧:" + digits,
		"an underscore in the number": "1_000:" + digits,
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := audit.ParseHead(text); err == nil {
				t.Errorf("%q: got %+v, want an error", text, got)
			}
		})
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add("0:" + strings.Repeat("0", 64))
	f.Add("12:" + strings.Repeat("0a", 32))
	f.Add("-1:" + strings.Repeat("0a", 32))
	f.Add("9223372036854775808:00")
	f.Add(":")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := audit.ParseHead(text)
		if err != nil {
			return
		}
		if got := audit.FormatHead(h); got != text {
			t.Errorf("%q reads as %+v, which is written %q", text, h, got)
		}
	})
}
