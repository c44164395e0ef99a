package server

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/qrauthd/qrauthd"

// listed is a package as go list tells it.
type listed struct {
	ImportPath string
	Imports    []string // direct
	Deps       []string // all
}

func (p listed) name() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// house lists the module's packages.
func house(t *testing.T) (list []listed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// within reports whether the import is that package or one below it.
func within(imported, pkg string) bool {
	return imported == pkg || strings.HasPrefix(imported, pkg+"/")
}

func TestTheHouseKeepsItsNevers(t *testing.T) {
	const fyne = "fyne.io/fyne/v2"
	// outside is where what is not pure has its facts from.
	outside := []string{"os", "io/fs", "time", "net", "net/http", "syscall", "context", "log/slog", "math/rand", "math/rand/v2", "crypto/rand"}
	ours := func(name string) func(string) bool {
		return func(imported string) bool { return within(imported, module+"/"+name) }
	}
	other := func(path string) func(string) bool {
		return func(imported string) bool { return within(imported, path) }
	}
	packages := house(t)
	direct := func(p listed) []string { return p.Imports }
	all := func(p listed) []string { return p.Deps }
	for name, rule := range map[string]struct {
		who   func(pkg string) bool
		edges func(listed) []string
		never func(imported string) bool
	}{
		"the SDK knows nothing of the server": {
			func(p string) bool { return within(p, "desktop") }, all, ours("server"),
		},
		"the SDK knows nothing of the store": {
			func(p string) bool { return within(p, "desktop") }, all, ours("internal/store"),
		},
		"the SDK knows nothing of what the server keeps": {
			func(p string) bool { return within(p, "desktop") }, all,
			func(i string) bool {
				return ours("internal/webhook")(i) || ours("internal/audit")(i) || ours("internal/place")(i) || ours("internal/budget")(i)
			},
		},
		"risk is judged from facts, which others bring": {
			func(p string) bool { return p == "internal/risk" }, all,
			func(i string) bool { return slices.Contains(outside, i) || within(i, module) },
		},
		"the clock knows nothing but the time": {
			func(p string) bool { return p == "internal/clock" }, all, func(i string) bool { return within(i, module) },
		},
		"budgets are of this process": {
			func(p string) bool { return p == "internal/budget" || p == "internal/ratelimit" }, all,
			func(i string) bool { return ours("internal/store")(i) || other("database/sql")(i) },
		},
		"places are looked up, and judged elsewhere": {
			func(p string) bool { return p == "internal/place" }, all,
			func(i string) bool {
				return ours("internal/risk")(i) || ours("internal/store")(i) || other("net/http")(i)
			},
		},
		"what is made for tests is in no command": {
			func(p string) bool { return within(p, "cmd") }, all,
			func(i string) bool {
				return within(i, module) && strings.HasSuffix(i, "test") || other("github.com/maxmind/mmdbwriter")(i)
			},
		},
		"a vendor's backend gets no server": {
			func(p string) bool { return within(p, "resource") }, all,
			func(i string) bool { return ours("server")(i) || ours("internal/store")(i) || ours("desktop")(i) },
		},
		"the server needs no OpenGL": {
			func(p string) bool { return p == "cmd/qrauthd" }, all, other(fyne),
		},
		"the pages know no package of the project": {
			func(p string) bool { return within(p, "mobileweb") }, all,
			func(i string) bool { return within(i, module) && !within(i, module+"/mobileweb") },
		},
		"only the store speaks SQL": {
			func(p string) bool { return !within(p, "internal/store") }, direct, other("database/sql"),
		},
		"only the widget and the demo import Fyne": {
			func(p string) bool { return p != "desktop/loginview" && p != "cmd/desktopdemo" }, direct, other(fyne),
		},
		"no floor below them imports the faces": {
			func(p string) bool { return !within(p, "server") && !within(p, "cmd") && p != "internal/e2e" }, all, ours("server"),
		},
		"the use cases know no HTTP face and no engine": {
			func(p string) bool { return p == "internal/login" || p == "internal/admin" }, direct, ours("internal/store/sqlite"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range packages {
				if !rule.who(p.name()) {
					continue
				}
				if i := slices.IndexFunc(rule.edges(p), rule.never); i >= 0 {
					t.Errorf("%s imports %s", p.name(), rule.edges(p)[i])
				}
			}
		})
	}
}
