// Package load puts a built server to work: it runs one as a process of its own and
// brings it desktops, phones and requests by the thousand, over real sockets on
// loopback. The benchmarks (internal/bench) and the endurance tests
// (internal/endurance) are made of it.
//
// What it does costs as little as it can, for it shares the processors with the
// server that is measured.
package load
