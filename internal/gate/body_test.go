package gate

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A body may be a secret, and its memory is used again.
func TestNothingOfABodyStaysInMemory(t *testing.T) {
	for _, size := range []int{100, 600, 5000, 60_000} {
		g := New(Bounds{Places: 1})
		w, seen := httptest.NewRecorder(), new(buffers)
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Body = &peeking{Reader: bytes.NewReader(bytes.Repeat([]byte("s"), size)), seen: seen}
		var b body
		if err := b.take(g, w, r); err != nil {
			t.Fatal(err)
		}
		b.drop()
		for _, buffer := range *seen {
			if bytes.Contains(buffer, []byte("s")) {
				t.Errorf("%d bytes: a buffer of %d still has some of them", size, len(buffer))
			}
		}
		if cap(b.data) > smallBody {
			t.Errorf("%d bytes: %d stay in memory", size, cap(b.data))
		}
	}
}

// buffers are all that a body was read into.
type buffers [][]byte

type peeking struct {
	*bytes.Reader
	seen *buffers
}

func (p *peeking) Read(b []byte) (int, error) {
	*p.seen = append(*p.seen, b)
	return p.Reader.Read(b)
}

func (*peeking) Close() error { return nil }
