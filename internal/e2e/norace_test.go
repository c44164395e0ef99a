//go:build !race

package e2e

// raceFlags has the binaries built as the tests are.
var raceFlags []string
