package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// role is what this command does as a process that another one of it has started: it
// answers each line by a line, until there are no more.
type role func(ctx context.Context, args []string, in io.Reader, out io.Writer) error

const (
	roleYardstick = "be-the-yardstick"
	roleCrowd     = "be-a-crowd"
)

// roleOf is nil for a command line that a person wrote.
func roleOf(args []string) role {
	if len(args) == 0 {
		return nil
	}
	return map[string]role{roleYardstick: beYardstick, roleCrowd: beCrowd}[args[0]]
}

// helper is this command again, in a role.
type helper struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	role string
}

// startHelper starts one. It ends when ctx does, by stop, or when this process is gone.
func startHelper(ctx context.Context, role string, args ...string) (*helper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &helper{cmd: exec.CommandContext(ctx, self, append([]string{role}, args...)...), role: role}
	h.cmd.Stderr = os.Stderr
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewReader(out)
	return h, h.cmd.Start()
}

// ask says a line and returns the answer.
func (h *helper) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(h.in, line); err != nil {
		return "", fmt.Errorf("%s: %w", h.role, err)
	}
	return h.hear()
}

func (h *helper) hear() (string, error) {
	answer, err := h.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s gives no answer: %w", h.role, err)
	}
	if fault, is := strings.CutPrefix(answer, sorry); is {
		return "", errors.New(strings.TrimSpace(fault))
	}
	return strings.TrimSpace(answer), nil
}

// sorry is how a line begins that tells of a failure.
const sorry = "sorry: "

// stop lets it go, and waits until it is gone.
func (h *helper) stop() error {
	return errors.Join(h.in.Close(), h.cmd.Wait())
}

// pid is the number of its process.
func (h *helper) pid() int { return h.cmd.Process.Pid }

// serveLines answers line by line until there are no more.
func serveLines(in io.Reader, out io.Writer, answer func(line string) (string, error)) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		said, err := answer(lines.Text())
		if err != nil {
			said = sorry + strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		if _, err := fmt.Fprintln(out, said); err != nil {
			return err
		}
	}
	return lines.Err()
}
