package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build makes the binary as `make build` does, unless one was named.
func (b *bench) build(ctx context.Context) error {
	if b.binary != "" {
		_, err := os.Stat(b.binary)
		return err
	}
	b.say("building the server")
	b.binary = filepath.Join(b.folder, "qrauthd")
	build := exec.CommandContext(ctx, cmp.Or(os.Getenv("GO"), "go"),
		"build", "-trimpath", "-ldflags", "-s -w", "-o", b.binary, "github.com/qrauthd/qrauthd/cmd/qrauthd")
	build.Stderr = os.Stderr
	b.commit = here(ctx)
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the server: %w", errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

// origin is what the binary was built from and by: its commit, empty when it does not
// tell, and the version of Go.
func origin(binary string) (commit, version string, err error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", "", err
	}
	told := map[string]string{}
	for _, s := range info.Settings {
		told[s.Key] = s.Value
	}
	if told["vcs.revision"] == "" {
		return "", info.GoVersion, nil
	}
	return named(told["vcs.revision"], told["vcs.modified"] == "true"), info.GoVersion, nil
}

// commitLetters are enough of a commit's name to know it by.
const commitLetters = 12

func named(revision string, modified bool) string {
	name := revision[:min(len(revision), commitLetters)]
	if modified {
		name += " (modified)"
	}
	return name
}

// here is the commit that the working folder is at, for a binary that was built from it
// and does not tell; empty when git does not tell either.
func here(ctx context.Context) string {
	revision, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return ""
	}
	changes, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output()
	return named(strings.TrimSpace(string(revision)), err != nil || len(changes) > 0)
}

// size is that of the binary.
func (b *bench) size(context.Context) error {
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	b.report.add(sectionStart, Figure{
		Name: "server binary, stripped", Unit: "MiB", Spread: only(float64(info.Size()) / mebibyte), Better: lower, Goal: 30,
	})
	return nil
}
