// Package keychain keeps desktop sessions between two starts of an app.
//
// [System] is the keychain of the operating system. [File] is a folder of plain
// files for systems without one. Neither stands in for the other by itself: the
// caller chooses, because they protect differently.
package keychain

import "errors"

// ErrUnavailable says that this system has no keychain, or none that this
// program can reach. Choose File, or keep nothing.
var ErrUnavailable = errors.New("this system has no keychain: keep the session in a file, or sign in at each start")

// ErrExposed says that others could read, or replace, what a File store holds.
// The message names the file and the remedy.
var ErrExposed = errors.New("others can get at the kept session")
