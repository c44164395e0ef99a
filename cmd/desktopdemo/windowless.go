//go:build terminal

package main

import (
	"context"
	"errors"
)

// window is not in this build: with the tag "terminal" the demo needs no OpenGL.
func (a app) window(context.Context) error {
	return errors.New("this build has no window (it was built with the tag \"terminal\"): use --terminal")
}
