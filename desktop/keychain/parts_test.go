package keychain

import "testing"

func FuzzParseHead(f *testing.F) {
	f.Add("v1 data YQ")
	f.Add("v1 parts 3 0011223344556677")
	f.Add("v1 parts -1 x")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHead(text)
		if err != nil {
			return
		}
		again, err := parseHead(h.String())
		if err != nil || again != h {
			t.Errorf("%q reads as %+v, which prints as %q and reads as %+v, %v", text, h, h.String(), again, err)
		}
	})
}
