package mobileweb

import (
	"bytes"
	"regexp"
	"testing"
)

func TestSourcesAreServedLean(t *testing.T) {
	tests := []struct {
		name     string
		comments *regexp.Regexp
		in, want string
	}{
		{"indentation goes", scriptComments, "a {\n  b();\n}\n", "a {\nb();\n}\n"},
		{"lines of comment go", scriptComments, "// a\na();\n  // b\n", "a();\n"},
		{"a comment behind code stays", scriptComments, "a(); // b\n", "a(); // b\n"},
		{"an address is no comment", scriptComments, "a('https://b');\n", "a('https://b');\n"},
		{"empty lines go", scriptComments, "a();\n\n\nb();", "a();\nb();\n"},
		{"comments of the style go", styleComments, "/* a\n b */\nc { d: e; } /* f */\n", "c { d: e; }\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(lean([]byte(tt.in), tt.comments)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A template of several lines would lose its indentation.
func TestNoTemplateOfTheScriptHasSeveralLines(t *testing.T) {
	script, err := assetFiles.ReadFile("assets/script.js")
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	for line := range bytes.Lines(script) {
		if number++; bytes.Count(line, []byte("`"))%2 != 0 {
			t.Errorf("line %d begins or ends a template: %s", number, line)
		}
	}
}
