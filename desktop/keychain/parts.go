package keychain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// partSize is what every keychain takes: Windows holds 2560 bytes an entry,
	// and on macOS entry, names and another base64 share a line of 4096.
	partSize = 2000
	maxParts = 64
	maxSize  = partSize * maxParts * 3 / 4 // base64 takes four bytes for three
)

// head is the entry under the key itself: the data, or which parts hold them.
type head struct {
	inline string // base64
	sum    string // names the parts of one Save, so that two never mix
	parts  int
}

var errHead = errors.New("the entry is not one of ours")

// split spreads data over parts, or keeps them in the head when they are short.
func split(data []byte) (head, []string) {
	text := base64.RawStdEncoding.EncodeToString(data)
	if len(text) <= partSize {
		return head{inline: text}, nil
	}
	sum := sha256.Sum256(data)
	var parts []string
	for len(text) > 0 {
		n := min(partSize, len(text))
		parts, text = append(parts, text[:n]), text[n:]
	}
	return head{sum: hex.EncodeToString(sum[:8]), parts: len(parts)}, parts
}

// names are the keys of the parts.
func (h head) names(key string) []string {
	var names []string
	for i := range h.parts {
		names = append(names, fmt.Sprintf("%s #%s-%d", key, h.sum, i+1))
	}
	return names
}

func (h head) String() string {
	if h.parts == 0 {
		return "v1 data " + h.inline
	}
	return fmt.Sprintf("v1 parts %d %s", h.parts, h.sum)
}

// parseHead reads String's form.
func parseHead(text string) (head, error) {
	if data, ok := strings.CutPrefix(text, "v1 data "); ok {
		return head{inline: data}, nil
	}
	rest, ok := strings.CutPrefix(text, "v1 parts ")
	count, sum, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(count)
	if !ok || err != nil || n < 1 || n > maxParts || sum == "" {
		return head{}, errHead
	}
	return head{sum: sum, parts: n}, nil
}
