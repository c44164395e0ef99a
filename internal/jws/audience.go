package jws

import (
	"slices"

	"github.com/go-jose/go-jose/v4/json"
)

// Audience is an aud (RFC 7519 section 4.1.3): a string when there is one, an array
// when there are several.
type Audience []string

// Has reports whether the name is among them. Nobody is called by an empty one.
func (a Audience) Has(name string) bool { return name != "" && slices.Contains(a, name) }

// MarshalJSON writes one as a string.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads both forms; null is nobody. The error is ErrForm.
func (a *Audience) UnmarshalJSON(text []byte) error {
	var one *string
	if json.Unmarshal(text, &one) == nil {
		*a = nil
		if one != nil {
			*a = Audience{*one}
		}
		return nil
	}
	if json.Unmarshal(text, (*[]string)(a)) != nil {
		return ErrForm
	}
	return nil
}
