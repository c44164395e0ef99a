//go:build !race

package endurance

// raceFlags has the server built as the tests are.
var raceFlags []string
