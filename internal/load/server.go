package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
)

// Launch is how a server is to be started.
type Launch struct {
	Binary string   // the built qrauthd
	Listen string   // HOST:PORT; empty: a free port on 127.0.0.1
	Data   string   // the folder of its database
	Args   []string // further arguments of `qrauthd serve`
	Env    []string // KEY=VALUE, beside those of this process
	Log    io.Writer
}

// Server is a qrauthd that runs as a process of its own, in its demo configuration.
type Server struct {
	Issuer  string
	Address string // HOST:PORT, for another Launch and for Dial
	Host    string // of the issuer, as a request names it

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
	err   error         // of Wait; set when ended is closed
}

// Start starts the server and waits until it says that it is ready, or has ended, or
// ctx has. The server outlives ctx: end it by Stop or Kill.
func (l Launch) Start(ctx context.Context) (*Server, error) {
	if l.Listen == "" {
		l.Listen = "127.0.0.1:0"
	}
	args := append([]string{"serve", "--demo", "--listen", l.Listen, "--data", l.Data}, l.Args...)
	s := &Server{cmd: exec.Command(l.Binary, args...), ended: make(chan struct{})}
	s.cmd.Env = append(s.cmd.Environ(), l.Env...)
	s.cmd.Stderr = l.Log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	said := make(chan string, 1)
	go s.follow(out, said)
	select {
	case line, ok := <-said:
		if !ok {
			<-s.ended
			return nil, fmt.Errorf("%s ended before it was ready: %w", l.Binary, errors.Join(s.err, errEnded))
		}
		return s, s.named(line)
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), s.Kill())
	}
}

var errEnded = errors.New("it may have told why on standard error")

// follow sends the first line that says that the server is ready, and reaps the process.
func (s *Server) follow(out io.Reader, said chan<- string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if issuer, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
			said <- issuer
			break
		}
	}
	close(said)
	_, _ = io.Copy(io.Discard, out)
	s.err = s.cmd.Wait()
	close(s.ended)
}

func (s *Server) named(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil {
		return err
	}
	s.Issuer, s.Host = issuer, u.Host
	s.Address = net.JoinHostPort("127.0.0.1", u.Port())
	return nil
}

// At is a server that somebody else has started, and who ends it: it has an address and
// no process.
func At(issuer string) (*Server, error) {
	s := new(Server)
	return s, s.named(issuer)
}

// Ended is closed when the process has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Kill ends the server as a power cut would.
func (s *Server) Kill() error {
	err := s.cmd.Process.Kill()
	<-s.ended
	return err
}

// Stop ends the server as an operator does. An exit code other than 0 is an error.
func (s *Server) Stop() error {
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.ended
	return errors.Join(err, s.err)
}

// PID is the number of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }
