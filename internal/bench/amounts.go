package main

import "time"

// amounts are how much is measured of each.
type amounts struct {
	Clients   int           `json:"clients"`   // that ask at the same time
	Rounds    int           `json:"rounds"`    // in which yardstick and rates alternate
	Turn      time.Duration `json:"turn"`      // of a rate in a round
	Yardstick time.Duration `json:"yardstick"` // of the yardstick before a turn, and after it

	Polled    int `json:"polled"`    // grants of each client that polls
	Redeems   int `json:"redeems"`   // a turn
	Refreshes int `json:"refreshes"` // with DPoP, a turn: their proofs are made before
	Approvals int `json:"approvals"` // a turn, at most
	Finishes  int `json:"finishes"`  // a turn

	Crowds  []int         `json:"crowds"`   // desktops that wait beside a sign-in
	SignIns int           `json:"sign_ins"` // one after the other, for each crowd
	People  int           `json:"people"`   // who sign in, each in turn
	Settle  time.Duration `json:"settle"`   // how long a server is left alone before its memory is read
	Waiting int           `json:"waiting"`  // desktops whose memory is measured
	Rest    time.Duration `json:"rest"`     // how long they wait: their codes rotate meanwhile
	Many    int           `json:"many"`     // desktops at most that wait at the same time; 0: not measured
	Flat    time.Duration `json:"flat"`     // of the mixed load

	Grants   int `json:"grants"`   // in the database that a server starts on
	Sessions int `json:"sessions"` // likewise
	Starts   int `json:"starts"`   // of that server
	Growth   int `json:"growth"`   // sign-ins by which the growth of the database is measured
}

// full is what a figure that is quoted comes from.
var full = amounts{
	Clients: 64, Rounds: 5, Turn: 2 * time.Second, Yardstick: 500 * time.Millisecond,
	Polled: 64, Redeems: 3000, Refreshes: 4000, Approvals: 3000, Finishes: 2000,
	Crowds: []int{0, 100, 10_000}, SignIns: 1000, People: 50, Settle: 3 * time.Second,
	Waiting: 10_000, Rest: time.Minute, Many: 50_000, Flat: time.Minute,
	Grants: 100_000, Sessions: 10_000, Starts: 10, Growth: 2000,
}

// brief is for who changes the code, and wants to know at once.
var brief = amounts{
	Clients: 64, Rounds: 2, Turn: time.Second, Yardstick: 300 * time.Millisecond,
	Polled: 64, Redeems: 1000, Refreshes: 1000, Approvals: 1000, Finishes: 800,
	Crowds: []int{0, 100, 1000}, SignIns: 200, People: 50, Settle: 3 * time.Second,
	Waiting: 2000, Rest: 50 * time.Second, Flat: 15 * time.Second,
	Grants: 10_000, Sessions: 500, Starts: 5, Growth: 500,
}

// longer are those with enough samples for a profile.
func (a amounts) longer() amounts {
	const times = 3
	a.Turn *= times
	a.Redeems *= times
	a.Refreshes *= times
	a.Approvals *= times
	a.Finishes *= times
	return a
}
