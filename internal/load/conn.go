package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/wire"
)

// answerTime bounds the wait for one answer.
const answerTime = 30 * time.Second

// maxAnswer is more than any answer has, in bytes, its headers included.
const maxAnswer = 16 << 20

// Conn is one connection of HTTP/1.1 that is kept alive. Its requests are rendered
// beforehand and sent as they are: a net/http.Client costs as much as a fast server.
type Conn struct {
	conn net.Conn
	rest *io.LimitedReader // of conn: what the answer of the moment may have yet
	in   *bufio.Reader     // of rest
	body bytes.Buffer      // reused
}

// Dial connects to a server's address, HOST:PORT.
func Dial(address string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", address, answerTime)
	if err != nil {
		return nil, err
	}
	return newConn(conn), nil
}

func newConn(conn net.Conn) *Conn {
	rest := &io.LimitedReader{R: conn}
	return &Conn{conn: conn, rest: rest, in: bufio.NewReaderSize(rest, 4<<10)}
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Request is one that has been rendered, to be sent as often as one likes.
type Request []byte

// Post renders a request with a form. Headers are whole lines without their end.
func Post(host, path, form string, headers ...string) Request {
	return post(host, path, kindForm, form, headers)
}

func post(host, path, kind, body string, headers []string) Request {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n", path, host, kind, len(body))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return Request(b.String())
}

// Get renders a request without a body.
func Get(host, path string) Request {
	return Request("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
}

// method is the word that a request begins with.
func (r Request) method() string {
	method, _, _ := bytes.Cut(r, []byte(" "))
	return string(method)
}

// Answer is what the server said. Body is good until the connection's next Do.
type Answer struct {
	Status     int
	RetryAfter string
	Nonce      string // DPoP-Nonce (RFC 9449 section 8)
	Body       []byte
}

// Do sends the request and reads the answer.
func (c *Conn) Do(r Request) (a Answer, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return a, err
	}
	if _, err := c.conn.Write(r); err != nil {
		return a, err
	}
	return c.answer(r.method())
}

// answer reads the next one, to a request of that method.
func (c *Conn) answer(method string) (a Answer, err error) {
	c.rest.N = maxAnswer
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return a, err
	}
	c.body.Reset()
	_, err = c.body.ReadFrom(r.Body)
	a = Answer{r.StatusCode, r.Header.Get("Retry-After"), r.Header.Get(wire.HeaderDPoPNonce), c.body.Bytes()}
	return a, errors.Join(err, r.Body.Close())
}
