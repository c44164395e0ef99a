package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// answerTime bounds the wait for one answer.
const answerTime = 30 * time.Second

// Conn is one connection of HTTP/1.1 that is kept alive. Its requests are rendered
// beforehand and its answers read for their status and their body only: a
// net/http.Client costs as much as a fast server.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte // reused
}

// Dial connects to a server's address, HOST:PORT.
func Dial(address string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", address, answerTime)
	if err != nil {
		return nil, err
	}
	return &Conn{conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}, nil
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
	return c.answer()
}

// answer reads the next one.
func (c *Conn) answer() (a Answer, err error) {
	if a.Status, err = c.status(); err != nil {
		return a, err
	}
	length, err := c.headers(&a)
	if err != nil {
		return a, err
	}
	a.Body, err = c.read(length)
	return a, err
}

var errAnswer = errors.New("not an answer of HTTP/1.1")

func (c *Conn) status() (int, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, errAnswer
	}
	return strconv.Atoi(string(line[9:12]))
}

// maxBody is more than any answer has, in bytes.
const maxBody = 16 << 20

// chunked stands for a length that is told in pieces.
const chunked = -1

// headers reads to the end of the headers and returns the body's length.
func (c *Conn) headers(a *Answer) (length int, err error) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
		switch string(name) {
		case "":
			return length, nil
		case "Content-Length":
			if length, err = strconv.Atoi(string(value)); err != nil || length < 0 || length > maxBody {
				return 0, errAnswer
			}
		case "Transfer-Encoding":
			length = chunked
		case "Retry-After":
			a.RetryAfter = string(value)
		case "Dpop-Nonce":
			a.Nonce = string(value)
		}
	}
}

func (c *Conn) read(length int) (body []byte, err error) {
	if length == chunked {
		all := io.LimitReader(httputil.NewChunkedReader(c.in), maxBody)
		if body, err = io.ReadAll(all); err != nil {
			return nil, err
		}
		_, err = c.in.Discard(len("\r\n")) // no trailers
		return body, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	body = c.body[:length]
	_, err = io.ReadFull(c.in, body)
	return body, err
}
