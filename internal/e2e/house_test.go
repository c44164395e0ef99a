package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// The tests of server/house_test.go keep the floors; this one looks at what was built.
func TestTheServerLinksNoFyne(t *testing.T) {
	out, err := exec.Command("go", "version", "-m", binary("qrauthd")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "fyne.io") {
		t.Error("qrauthd links Fyne")
	}
	if !strings.Contains(string(out), "mattn/go-sqlite3") {
		t.Error("the list of modules is not what it was expected to be")
	}
}
