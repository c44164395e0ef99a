package mobileweb

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

var quotedKey = regexp.MustCompile(`"([a-z_]+\.[a-z_]+)"`)

func readCatalog(t *testing.T) []byte {
	t.Helper()
	data, err := catalogFiles.ReadFile("catalog/en.toml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// catalogKeys lists the keys of the English catalog; one with plural forms counts once.
func catalogKeys(t *testing.T) []string {
	t.Helper()
	var tables map[string]map[string]any
	if err := toml.Unmarshal(readCatalog(t), &tables); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for table, entries := range tables {
		for key := range entries {
			keys = append(keys, table+"."+key)
		}
	}
	slices.Sort(keys)
	return keys
}

// usedKeys lists every string that looks like a key in templates and code.
func usedKeys(t *testing.T) []string {
	t.Helper()
	used := make(map[string]bool)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		code := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if err != nil || !code && !strings.HasSuffix(path, ".html") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range quotedKey.FindAllSubmatch(source, -1) {
			used[string(match[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(used, "layout.html")
	return slices.Sorted(maps.Keys(used))
}

func TestCatalogHasWhatIsUsedAndNothingElse(t *testing.T) {
	if diff := cmp.Diff(usedKeys(t), catalogKeys(t)); diff != "" {
		t.Errorf("keys (-used +in the catalog):\n%s", diff)
	}
}
