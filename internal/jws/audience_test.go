package jws_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/qrauthd/qrauthd/internal/jws"
)

func TestAnAudienceIsReadInBothForms(t *testing.T) {
	tests := []struct {
		name, text string
		want       jws.Audience
		err        error
	}{
		{"one", `"a"`, jws.Audience{"a"}, nil},
		{"one in a list", `["a"]`, jws.Audience{"a"}, nil},
		{"several", `["a","b"]`, jws.Audience{"a", "b"}, nil},
		{"an empty one", `""`, jws.Audience{""}, nil},
		{"none in a list", `[]`, nil, nil},
		{"null", `null`, nil, nil},
		{"null in a list, which is nobody's name", `["a",null]`, jws.Audience{"a", ""}, nil},
		{"a number", `1`, nil, jws.ErrForm},
		{"a number in a list", `["a",1]`, nil, jws.ErrForm},
		{"a list in a list", `[["a"]]`, nil, jws.ErrForm},
		{"an object", `{"a":"b"}`, nil, jws.ErrForm},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got jws.Audience
			if err := got.UnmarshalJSON([]byte(tt.text)); !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if tt.err == nil && !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAnAudienceIsWrittenInTheShorterForm(t *testing.T) {
	for want, a := range map[string]jws.Audience{`"a"`: {"a"}, `["a","b"]`: {"a", "b"}, `[]`: {}} {
		if got, err := json.Marshal(a); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

func TestAnAudienceHasWhomItNames(t *testing.T) {
	a := jws.Audience{"https://a.example", "", "b"}
	for name, want := range map[string]bool{"https://a.example": true, "b": true, "": false, "https://a.example/": false, "B": false} {
		if got := a.Has(name); got != want {
			t.Errorf("%q: got %t, want %t", name, got, want)
		}
	}
}

// FuzzAudience: what is read is written back as the same.
func FuzzAudience(f *testing.F) {
	for _, seed := range []string{`"a"`, `["a","b"]`, `[]`, `null`, `""`, `[null]`, `"\ud800"`, `[1]`, `{`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a, again jws.Audience
		if json.Unmarshal(text, &a) != nil {
			return
		}
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil || !slices.Equal(a, again) {
			t.Errorf("%s is read as %q, written as %s, and read as %q, %v", text, a, written, again, err)
		}
	})
}
