package mobileweb

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata anew")

// What the pages of a device grant and of the computers say, read out. They are what people learn to trust, so a change of any word is to be
// seen in a review.
func TestTheDeviceGrantsPagesHaveNotChanged(t *testing.T) {
	const file = "testdata/device_grant.golden"
	site := newSite(t, Options{Host: "login.acme.example"})
	var b strings.Builder
	for _, p := range wordPreviews() {
		fmt.Fprintf(&b, "== %s\n%s\n", p.name, accessibleText(parse(t, render(t, site, p.page))))
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("what the pages say (-want +got), see -update:\n%s", diff)
	}
}
