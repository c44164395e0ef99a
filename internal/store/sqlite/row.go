package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/secret"
)

// row is a record of a result. Its columns are read one after the other, in the
// order of the query, each with what it stands for. What is not stored as it should
// be reads as the zero value, and is kept as the error.
type row struct {
	values []driver.Value
	read   int // columns so far
	err    error
}

// column reads the next one, which is not NULL.
func column[T any](r *row) T {
	v, ok := r.values[r.read].(T)
	r.read++
	if !ok {
		r.fail(fmt.Errorf("column %d is stored as %T, want %T", r.read, r.values[r.read-1], v))
	}
	return v
}

// null reports whether the next one is NULL, and passes it then.
func (r *row) null() bool {
	if r.values[r.read] != nil {
		return false
	}
	r.read++
	return true
}

func (r *row) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// text is a string or one of its kin.
func text[S ~string](r *row) S { return S(column[string](r)) }

// number is an integer that fits.
func number[N ~int | ~int64 | ~uint32](r *row) N {
	stored := column[int64](r)
	n := N(stored)
	if int64(n) != stored {
		r.fail(fmt.Errorf("column %d is %d, want a %T", r.read, stored, n))
	}
	return n
}

func (r *row) flag() bool { return column[int64](r) != 0 }

// optional reads a text that is NULL when empty.
func (r *row) optional() string {
	if r.null() {
		return ""
	}
	return column[string](r)
}

// blob reads bytes that are NULL when there are none.
func (r *row) blob() []byte {
	if r.null() {
		return nil
	}
	return column[[]byte](r)
}

// instant reads a time in microseconds since the epoch, UTC; NULL is the zero time.
func (r *row) instant() time.Time {
	if r.null() {
		return time.Time{}
	}
	return time.UnixMicro(column[int64](r)).UTC()
}

// digest reads the 32 bytes of a hash; NULL is the zero hash.
func (r *row) digest() secret.Hash {
	h, err := secret.HashFrom(r.blob())
	if err != nil {
		r.fail(err)
	}
	return h
}

// words reads a list without spaces in its elements, joined by spaces.
func (r *row) words() []string {
	s := column[string](r)
	if s == "" {
		return nil
	}
	return strings.Split(s, " ")
}

// address reads an IP address in text; the empty text is none.
func (r *row) address() netip.Addr {
	s := column[string](r)
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		r.fail(err)
	}
	return a
}

// object reads JSON.
func (r *row) object(into any) {
	if err := json.Unmarshal([]byte(column[string](r)), into); err != nil {
		r.fail(err)
	}
}
