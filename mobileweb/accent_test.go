package mobileweb

import (
	"maps"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	block = regexp.MustCompile(`(dark\)\s*\{\s*)?:root\s*\{([^}]*)\}`)
	token = regexp.MustCompile(`--([a-z-]+):\s*(#[0-9a-f]{6})\b`)
)

// themes reads the colours of a stylesheet: those of the light theme, and those with the dark theme's over them.
func themes(t *testing.T, style string) map[string]map[string]colour {
	t.Helper()
	light, dark := make(map[string]colour), make(map[string]colour)
	for _, root := range block.FindAllStringSubmatch(style, -1) {
		onlyDark := root[1] != ""
		for _, match := range token.FindAllStringSubmatch(root[2], -1) {
			c, err := parseColour(match[2])
			if err != nil {
				t.Fatal(err)
			}
			dark[match[1]] = c
			if !onlyDark {
				light[match[1]] = c
			}
		}
	}
	return map[string]map[string]colour{"light": light, "dark": dark}
}

func TestContrast(t *testing.T) {
	pairs := []struct {
		front, back string
		want        float64
	}{
		{"ink", "page", textContrast},
		{"ink", "card", textContrast},
		{"ink", "inset", textContrast},
		{"soft", "page", textContrast},
		{"soft", "card", textContrast},
		{"soft", "inset", textContrast},
		{"good", "card", textContrast},
		{"good", "good-tint", textContrast},
		{"bad", "card", textContrast},
		{"bad", "bad-tint", textContrast},
		{"bad", "inset", textContrast},
		{"warn", "card", textContrast},
		{"warn", "warn-tint", textContrast},
		{"on-accent", "accent", textContrast},
		{"accent-ink", "page", textContrast},
		{"accent-ink", "card", textContrast},
		{"accent-edge", "card", shapeContrast},
		{"edge", "card", shapeContrast},
	}
	for _, accent := range []string{"", "#ffffff", "#000000", "#ffe94d", "#ff0000", "#00c853", "#777777"} {
		site := newSite(t, Options{Brand: Brand{Accent: accent}})
		for theme, colours := range themes(t, string(site.assets.style.content)) {
			for _, p := range pairs {
				front, ok := colours[p.front]
				back, found := colours[p.back]
				if !ok || !found {
					t.Fatalf("%s theme lacks --%s or --%s", theme, p.front, p.back)
				}
				if got := contrast(front, back); got < p.want {
					t.Errorf("accent %q, %s: --%s on --%s has contrast %.2f, want %.1f", accent, theme, p.front, p.back, got, p.want)
				}
			}
		}
	}
}

func TestThemesDiffer(t *testing.T) {
	both := themes(t, string(newSite(t, Options{}).assets.style.content))
	if maps.Equal(both["light"], both["dark"]) {
		t.Error("light and dark are the same, want two themes")
	}
	surfaces := func(theme string) []string {
		return []string{both[theme]["page"].String(), both[theme]["card"].String()}
	}
	want := func(colours []colour) []string { return []string{colours[0].String(), colours[1].String()} }
	if diff := cmp.Diff(want(lightSurfaces), surfaces("light")); diff != "" {
		t.Errorf("light surfaces (-code +stylesheet):\n%s", diff)
	}
	if diff := cmp.Diff(want(darkSurfaces), surfaces("dark")); diff != "" {
		t.Errorf("dark surfaces (-code +stylesheet):\n%s", diff)
	}
}

func TestTextOnTheAccent(t *testing.T) {
	tests := []struct{ name, accent, want string }{
		{"white on the product's blue", defaultAccent, "#ffffff"},
		{"black on a light yellow", "#ffe94d", "#000000"},
		{"white on black", "#000000", "#ffffff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			accent, err := parseColour(tt.accent)
			if err != nil {
				t.Fatal(err)
			}
			if got := textOn(accent).String(); got != tt.want {
				t.Errorf("text on %s is %s, want %s", tt.accent, got, tt.want)
			}
		})
	}
}
