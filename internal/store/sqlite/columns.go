package sqlite

import (
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/secret"
)

// The types of this file are how values stand in columns. Each is a conversion
// away from the value it stands for, as an argument and as a destination of Scan.

// instant is a time in microseconds since the epoch, UTC; NULL is the zero time.
type instant time.Time

func (c instant) Value() (driver.Value, error) {
	if t := time.Time(c); !t.IsZero() {
		return t.UnixMicro(), nil
	}
	return nil, nil
}

func (c *instant) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*c = instant{}
	case int64:
		*c = instant(time.UnixMicro(v).UTC())
	default:
		return fmt.Errorf("a time is stored as %T", src)
	}
	return nil
}

// MarshalJSON writes the time as it stands in a column.
func (c instant) MarshalJSON() ([]byte, error) {
	v, err := c.Value()
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (c *instant) UnmarshalJSON(text []byte) error {
	var micros *int64
	if err := json.Unmarshal(text, &micros); err != nil {
		return err
	}
	if micros == nil {
		return c.Scan(nil)
	}
	return c.Scan(*micros)
}

// digest is the 32 bytes of a hash; NULL is the zero hash.
type digest secret.Hash

func (c digest) Value() (driver.Value, error) {
	if secret.Hash(c).IsZero() {
		return nil, nil
	}
	return c[:], nil
}

func (c *digest) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok && src != nil {
		return fmt.Errorf("a hash is stored as %T", src)
	}
	h, err := secret.HashFrom(b)
	*c = digest(h)
	return err
}

// key is a hash that a record is found by, where even the zero hash is a value.
func key(h secret.Hash) []byte { return h[:] }

// words is a list without spaces in its elements, joined by spaces.
type words []string

func (c words) Value() (driver.Value, error) { return strings.Join(c, " "), nil }

func (c *words) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("a list is stored as %T", src)
	}
	*c = nil
	if s != "" {
		*c = strings.Split(s, " ")
	}
	return nil
}

// scopes is words for auth.Scopes.
func scopes(s *auth.Scopes) *words { return (*words)(s) }

// clientSecrets is a JSON array, in the order of the list.
type clientSecrets []auth.ClientSecret

// storedSecret is one of clientSecrets.
type storedSecret struct {
	Hash      string  `json:"hash"` // in hex, which SQL can write too
	CreatedAt instant `json:"created_at"`
	ExpiresAt instant `json:"expires_at"`
}

func (c clientSecrets) Value() (driver.Value, error) {
	list := make([]storedSecret, len(c))
	for i, s := range c {
		list[i] = storedSecret{hex.EncodeToString(s.Hash[:]), instant(s.CreatedAt), instant(s.ExpiresAt)}
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func (c *clientSecrets) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a list of secrets is stored as %T", src)
	}
	var list []storedSecret
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return err
	}
	*c = nil
	for _, stored := range list {
		s, err := stored.secret()
		if err != nil {
			return err
		}
		*c = append(*c, s)
	}
	return nil
}

func (s storedSecret) secret() (auth.ClientSecret, error) {
	b, err := hex.DecodeString(s.Hash)
	if err != nil {
		return auth.ClientSecret{}, err
	}
	h, err := secret.HashFrom(b)
	return auth.ClientSecret{Hash: h, CreatedAt: time.Time(s.CreatedAt), ExpiresAt: time.Time(s.ExpiresAt)}, err
}

// policyChange is a JSON object by the tags of auth.PolicyChange. What is said to
// be an empty list reads back as one, and not as if nothing was said.
type policyChange auth.PolicyChange

func (c policyChange) Value() (driver.Value, error) {
	c.Networks, c.ReducedScopes = said(c.Networks), said(c.ReducedScopes)
	text, err := json.Marshal(c)
	return string(text), err
}

// said is the list with none that is nil, which JSON could not tell from no list.
func said[S ~[]E, E any](list *S) *S {
	if list != nil && *list == nil {
		return &S{}
	}
	return list
}

func (c *policyChange) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a policy is stored as %T", src)
	}
	*c = policyChange{}
	return json.Unmarshal([]byte(text), c)
}

// address is an IP address in text; no address is the empty text.
type address netip.Addr

func (c address) Value() (driver.Value, error) {
	if a := netip.Addr(c); a.IsValid() {
		return a.String(), nil
	}
	return "", nil
}

func (c *address) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("an address is stored as %T", src)
	}
	*c = address{}
	if s == "" {
		return nil
	}
	a, err := netip.ParseAddr(s)
	*c = address(a)
	return err
}

// optional is a text that is NULL when empty, so that a foreign key lets it be.
func optional[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// blob is bytes that are NULL when there are none.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
