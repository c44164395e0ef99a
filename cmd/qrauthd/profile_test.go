package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestProfilesShowWhatThereWasWhenTheEndCame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	ctx, end := context.WithCancel(t.Context())
	serving := func(running context.Context) error {
		gone := make(chan struct{})
		go func() { defer close(gone); lingersUntil(running) }()
		end()
		<-gone // which the profile has seen: it was written before running ended
		return nil
	}
	if err := profiled(ctx, dir, serving); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu", "heap", "goroutine"} {
		if len(unpacked(t, dir, name)) == 0 {
			t.Errorf("the %s profile is empty", name)
		}
	}
	if !bytes.Contains(unpacked(t, dir, "goroutine"), []byte("lingersUntil")) {
		t.Error("the goroutine that ran when the end came is in no profile")
	}
}

func lingersUntil(ctx context.Context) { <-ctx.Done() }

// unpacked is a profile, which is gzipped.
func unpacked(t *testing.T, dir, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name+".pprof"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return text
}

func TestProfilesKeepTheErrorOfWhatTheyAreOf(t *testing.T) {
	broken := errors.New("broken")
	dir := t.TempDir()
	if err := profiled(t.Context(), dir, func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the server", err)
	}
	unpacked(t, dir, "heap")
}
