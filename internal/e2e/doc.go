// Package e2e holds the end-to-end tests: the built qrauthd, a real browser with
// a virtual authenticator, the SDK, and the demo app in a terminal and in a
// window. There is nothing in it but tests.
package e2e
