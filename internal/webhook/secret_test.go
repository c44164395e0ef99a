package webhook_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/webhook"
)

func encode(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)) }

func TestParseSecret(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int // bytes; 0: refused
	}{
		"the shortest":              {"whsec_" + encode(24), 24},
		"a usual one":               {"whsec_" + encode(32), 32},
		"the longest":               {"whsec_" + encode(64), 64},
		"one that is too short":     {"whsec_" + encode(23), 0},
		"one that is too long":      {"whsec_" + encode(65), 0},
		"none":                      {"", 0},
		"a prefix only":             {"whsec_", 0},
		"one without the prefix":    {encode(32), 0},
		"another prefix":            {"whsk_" + encode(32), 0},
		"a prefix in upper case":    {"WHSEC_" + encode(32), 0},
		"one without padding":       {"whsec_" + strings.TrimRight(encode(32), "="), 0},
		"base64url":                 {"whsec_" + strings.ReplaceAll(encode(32), "+", "-"), 0},
		"one with a line break":     {"whsec_" + encode(24) + "\n", 0},
		"one broken over two lines": {"whsec_" + encode(24)[:8] + "\r\n" + encode(24)[8:], 0},
		"one with space before it":  {" whsec_" + encode(32), 0},
		"bits that count for none":  {"whsec_" + strings.Repeat("A", 42) + "B=", 0},
		"no base64":                 {"whsec_" + strings.Repeat("!", 32), 0},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := webhook.ParseSecret(tc.text)
			if len(key) != tc.want || (err == nil) != (tc.want > 0) {
				t.Errorf("got %d bytes, %v; want %d", len(key), err, tc.want)
			}
			if err != nil && len(tc.text) > 10 && strings.Contains(err.Error(), tc.text[6:]) {
				t.Errorf("the error quotes the secret: %v", err)
			}
		})
	}
}

func TestGeneratedSecretsDifferAndAreGood(t *testing.T) {
	a, b := webhook.GenerateSecret(), webhook.GenerateSecret()
	if a == b {
		t.Error("two secrets are the same")
	}
	for _, s := range []string{a, b} {
		if key, err := webhook.ParseSecret(s); err != nil || len(key) != 32 {
			t.Errorf("got %d bytes, %v; want 32", len(key), err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add("whsec_" + encode(24))
	f.Add("whsec_" + encode(64))
	f.Add("whsec_" + encode(25) + "\n")
	f.Add("whsec_")
	f.Add("whsec_" + strings.Repeat("=", 32))
	f.Fuzz(func(t *testing.T, text string) {
		key, err := webhook.ParseSecret(text)
		if err != nil {
			return
		}
		if len(key) < 24 || len(key) > 64 {
			t.Errorf("%q: got %d bytes, want 24 to 64", text, len(key))
		}
		if again := "whsec_" + base64.StdEncoding.EncodeToString(key); again != text {
			t.Errorf("%q is another spelling of %q", text, again)
		}
	})
}
