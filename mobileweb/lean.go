package mobileweb

import (
	"bytes"
	"regexp"
)

// What of the sources nobody needs who loads them: comments that have their lines to themselves, and indentation.
// Neither file has a string or a template of more than one line.
var (
	styleComments  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	scriptComments = regexp.MustCompile(`(?m)^\s*//.*$`)
)

// lean is a source as it is served.
func lean(source []byte, comments *regexp.Regexp) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(comments.ReplaceAll(source, nil)) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			b.Write(line)
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
