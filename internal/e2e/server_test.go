package e2e

import (
	"net"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// server is a running qrauthd.
type server struct {
	*process
	issuer string
	listen string
	data   string
	args   []string
}

// serve starts a demo server on a free port.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{listen: "127.0.0.1:0", data: t.TempDir(), args: args}
	s.start(t)
	u, err := url.Parse(s.issuer)
	if err != nil {
		t.Fatal(err)
	}
	s.listen = net.JoinHostPort("127.0.0.1", u.Port()) // for a restart
	return s
}

// start starts the server, or starts it again on the same port and data.
func (s *server) start(t *testing.T) {
	t.Helper()
	args := append([]string{"serve", "--demo", "--listen", s.listen, "--data", s.data}, s.args...)
	s.process = spawn(t, nil, binary("qrauthd"), args...)
	s.issuer = s.line("ready ")
}

// operate runs a command of the operator's beside the server, and returns what
// it says.
func (s *server) operate(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary("qrauthd"), append(args, "--data", s.data)...).CombinedOutput()
	if err != nil {
		t.Fatalf("qrauthd %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// confidential adds a client that has a secret, and returns the secret.
func (s *server) confidential(t *testing.T, id string, args ...string) string {
	t.Helper()
	said := s.operate(t, append([]string{"client", "add", id, "--name", "Kiosk", "--auth-method", "client_secret_basic"}, args...)...)
	for line := range strings.Lines(said) {
		if sec, ok := strings.CutPrefix(strings.TrimSpace(line), "client_secret "); ok {
			return sec
		}
	}
	t.Fatalf("no client_secret in %q", said)
	return ""
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.done
}

// stop ends the server as an operator does.
func (s *server) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		s.t.Errorf("qrauthd ended with %d after SIGTERM", code)
	}
}
