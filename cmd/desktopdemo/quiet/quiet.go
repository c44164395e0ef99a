// Package quiet keeps the standard logger silent while other packages are
// initialised.
//
// Fyne looks up the locale before main begins, and writes three lines of log to
// standard error where it is "C", as on servers and in containers. Those are just
// the places where the demo runs in a terminal, whose standard error is for
// people.
//
// It works because packages are initialised in the order of their import paths,
// as far as their own imports allow: this one needs nothing but the standard
// library, and Fyne's needs golang.org/x/text.
package quiet

import (
	"io"
	"log"
	"os"
)

var _ = hush()

func hush() bool {
	log.SetOutput(io.Discard)
	return true
}

// End gives the logger its output back. Call it first in main.
func End() { log.SetOutput(os.Stderr) }
