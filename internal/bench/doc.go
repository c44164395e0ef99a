// Command bench measures a built qrauthd beside a yardstick, in the same run and on the
// same machine: a bare net/http handler that reads a form and answers 200 bytes of
// JSON. docs/benchmarks.md says what is measured and how to read it.
//
// It starts servers on folders of its own, speaks to nothing but loopback, and removes
// what it has made. The crowd of waiting desktops and the yardstick are processes of
// their own: this command again, under another role.
//
// Exit codes: 0 when everything was measured, 1 when something failed (with -strict: or
// a goal was missed), 2 when the command line is at fault.
package main
