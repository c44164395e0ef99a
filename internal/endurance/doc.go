// Package endurance has the tests that are unkind to a built server: power cuts under
// load, disks that fail, floods, restarts with ten thousand desktops waiting. `make
// test` runs their short form and `make soak` the long one.
package endurance
