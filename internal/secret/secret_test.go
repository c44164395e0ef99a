package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/qrauthd/qrauthd/internal/secret"
)

func TestASecretRedactsItself(t *testing.T) {
	s := secret.From("hunter2")
	holder := struct{ Code secret.Text }{s}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	for how, text := range map[string]string{
		"%v": fmt.Sprintf("%v", s), "%+v": fmt.Sprintf("%+v", holder), "%#v": fmt.Sprintf("%#v", s),
		"String": s.String(), "%q": fmt.Sprintf("%q", s), "slog": log.String(), "JSON": string(encoded),
	} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s shows it: %s", how, text)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not")
	}
}

func TestNewSecretsDiffer(t *testing.T) {
	a, b := secret.Must(), secret.Must()
	if a.Reveal() == b.Reveal() || a.Hash() == b.Hash() {
		t.Error("two secrets are the same")
	}
	if len(a.Reveal()) != 43 {
		t.Errorf("%d characters, want the 43 of 256 bits", len(a.Reveal()))
	}
	if _, err := secret.New(strings.NewReader("too short")); err == nil {
		t.Error("a dry source of chance made a secret")
	}
}

func TestAHashReadsBack(t *testing.T) {
	h := secret.From("x").Hash()
	if again, err := secret.HashFrom(h[:]); err != nil || again != h {
		t.Errorf("got %s, %v; want %s", again, err, h)
	}
	if zero, err := secret.HashFrom(nil); err != nil || !zero.IsZero() {
		t.Errorf("nothing: got %s, %v; want no hash", zero, err)
	}
	if _, err := secret.HashFrom([]byte("short")); err == nil {
		t.Error("five bytes passed for a hash")
	}
}
