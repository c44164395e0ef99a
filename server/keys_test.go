package server

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// lookOnce makes a server of the configuration, and closes it again.
func lookOnce(t *testing.T, c Config) (log string, err error) {
	t.Helper()
	var buf bytes.Buffer
	s, err := New(t.Context(), c, Options{Log: slog.New(slog.NewTextHandler(&buf, nil))})
	if err == nil {
		err = s.Close()
	}
	return buf.String(), err
}

func TestAnotherHostIsWarnedOf(t *testing.T) {
	c := demoConfig(t)
	for _, step := range []struct {
		issuer string
		warns  bool
	}{
		{"https://login.example.com", false}, // the first
		{"https://login.example.com/auth", false},
		{"https://login.example.org", true},
		{"https://login.example.org", false},
	} {
		c.Issuer = step.issuer
		log, err := lookOnce(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log, "passkeys are bound to the host"); got != step.warns {
			t.Errorf("%s: warned %t, want %t", step.issuer, got, step.warns)
		}
	}
}

func keyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeysAreSealedWhenThereIsAKeyFileAndNeedItFromThenOn, with the same keys before
// and after: nobody who verifies tokens notices.
func TestKeysAreSealedWhenThereIsAKeyFileAndNeedItFromThenOn(t *testing.T) {
	c := demoConfig(t)
	c.Issuer = "https://login.example.com"
	published := func() string {
		t.Helper()
		s, err := New(t.Context(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		set, err := s.login.JWKS(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return string(set)
	}
	before := published()
	c.KeyFile = keyFile(t, strings.Repeat("one secret ", 4))
	if after := published(); after != before {
		t.Errorf("%s: got %s, want %s", wire.PathJWKS, after, before)
	}
	right := c.KeyFile
	for name, path := range map[string]string{"none": "", "another": keyFile(t, strings.Repeat("another one ", 4))} {
		c.KeyFile = path
		if _, err := lookOnce(t, c); err == nil || !strings.Contains(err.Error(), "key_file") {
			t.Errorf("with %s: got %v, want an error that speaks of key_file", name, err)
		}
	}
	c.KeyFile = right
	if after := published(); after != before {
		t.Errorf("with the right one again: got %s, want %s", after, before)
	}
}
