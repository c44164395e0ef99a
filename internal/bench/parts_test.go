package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/qrauthd/qrauthd/internal/load"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
)

func TestWorkIsSharedOnce(t *testing.T) {
	const n = 1000
	var done [n]atomic.Int32
	err := share(t.Context(), n, 8, func(_ int, mine iter.Seq[int]) error {
		for i := range mine {
			done[i].Add(1)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range done {
		if got := done[i].Load(); got != 1 {
			t.Errorf("%d was done %d times", i, got)
		}
	}
}

func TestSharedWorkEndsEarly(t *testing.T) {
	broken := errors.New("broken")
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	for name, ctx := range map[string]context.Context{"by an error": t.Context(), "with its context": ended} {
		var done atomic.Int32
		err := share(ctx, 1<<40, 4, func(_ int, mine iter.Seq[int]) error {
			for range mine {
				if done.Add(1) == 100 {
					return broken
				}
			}
			return nil
		})
		if !errors.Is(err, broken) {
			t.Errorf("%s: got %v, want %v", name, err, broken)
		}
	}
}

func TestTheRefreshTokenOfAnAnswer(t *testing.T) {
	for text, want := range map[string]string{
		`{"access_token":"a","refresh_token":"r.1-_","scope":""}`: "r.1-_",
		`{"refresh_token":"r"}`:                                   "r",
		`{"access_token":"a"}`:                                    "",
		`{"refresh_token":"r`:                                     "",
		`{"error":"invalid_grant`:                                 "",
	} {
		got, err := refreshIn([]byte(text))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestTheExtentIsThatOfTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "qrauthd.db")
	db, err := sqlite.Open(t.Context(), file, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := readExtent(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if e.size() != info.Size() || e.used() > e.size() || e.used() <= 0 {
		t.Errorf("got %+v, want %d bytes in all", e, info.Size())
	}
	head := make([]byte, headerSize)
	copy(head[16:], []byte{0, 1})
	copy(head[28:], []byte{0, 0, 1, 2})
	copy(head[36:], []byte{0, 0, 0, 3})
	if got, want := extentIn(head), (extent{65536, 258, 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := readExtent(os.DevNull); err == nil {
		t.Error("a file without a header is read")
	}
}

func TestTheMachine(t *testing.T) {
	const cpus = "processor\t: 0\nvendor_id\t: X\nmodel name\t: Fast CPU @ 3 GHz\n\nprocessor\t: 1\nmodel name\t: Fast CPU @ 3 GHz\n"
	if got, want := modelIn([]byte(cpus)), "Fast CPU @ 3 GHz"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	const mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/disk xfs rw 0 0\nbroken\n/dev/c /tmporary btrfs rw 0 0\n"
	for folder, want := range map[string]string{"/": "ext4", "/home/me": "ext4", "/tmp": "tmpfs", "/tmp/x": "tmpfs", "/tmp/disk/x": "xfs", "/tmp/disks": "tmpfs"} {
		if got := fileSystemOf([]byte(mounts), folder); got != want {
			t.Errorf("%s: got %s, want %s", folder, got, want)
		}
	}
	if got := fileSystemOf(nil, "/"); got != "" {
		t.Errorf("got %q of nothing", got)
	}
}

func TestACrowdWaitsAtTheYardstick(t *testing.T) {
	if _, err := load.AllowFiles(); err != nil {
		t.Fatal(err)
	}
	y, err := startYardstick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := startCrowd(t.Context(), y.server.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		if err := c.gather(40); err != nil {
			t.Fatal(err)
		}
		if got, err := c.frames(); err != nil || got != 40*(n+1) {
			t.Errorf("got %d frames, %v, want %d", got, err, 40*(n+1))
		}
	}
	times, err := echoes(y, 5)
	if err != nil || len(times) != 5 {
		t.Fatalf("got %v, %v", times, err)
	}
	if err := y.stop(); err != nil {
		t.Error(err)
	}
	if _, err := c.frames(); err == nil {
		t.Error("it is no error that all desktops are gone")
	}
	if err := c.gather(1); err == nil {
		t.Error("a desktop waits at a server that is gone")
	}
	_ = c.stop() // its desktops are gone, which it may tell once more
}

func TestTheYardstickAnswersTwoHundredBytes(t *testing.T) {
	in, done := io.Pipe()
	out, said := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- beYardstick(t.Context(), nil, in, said) }()
	issuer, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	at, err := load.At(strings.TrimSpace(issuer))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := load.Dial(at.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 {
		answer, err := conn.Do(load.Post(at.Host, "/token", load.PollForm("x")))
		if err != nil || answer.Status != 200 || len(answer.Body) != yardstickBytes {
			t.Errorf("got %d and %d bytes, %v", answer.Status, len(answer.Body), err)
		}
	}
	answer, err := conn.Do(load.Post(at.Host, "/tell", "device_code=nobody"))
	if err != nil || answer.Status != 404 {
		t.Errorf("to tell nobody: got %d, %v", answer.Status, err)
	}
	_ = done.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLinesAreAnsweredByLines(t *testing.T) {
	var out bytes.Buffer
	err := serveLines(strings.NewReader("one\ntwo\n"), &out, func(line string) (string, error) {
		if line == "two" {
			return "", fmt.Errorf("not\n%s", line)
		}
		return line, nil
	})
	if want := "one\n" + sorry + "not; two\n"; err != nil || out.String() != want {
		t.Errorf("got %q, %v, want %q", out.String(), err, want)
	}
}
