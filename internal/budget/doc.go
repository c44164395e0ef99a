// Package budget names every budget of the server: how often each thing may be done,
// by whom, and what it is charged to. It is the one place that decides this; the faces
// ask it and answer 429 with Retry-After.
//
// Budgets are of this process, bounded in memory and cleaned as they are used. A peer's
// address is the whole address of IPv4, the /64 of IPv6, and with five times the budget
// its /48.
package budget
