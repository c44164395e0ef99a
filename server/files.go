package server

import "math"

// filesForUs are those that the server opens beside its connections: the database's,
// the log's, the webhook's.
const filesForUs = 256

// roomFor is how many connections there may be where so many files may be open at a
// time and the operator wants so many at most; 0 is no wish.
func roomFor(files, wish int) int {
	room := files - min(filesForUs, files/4)
	if wish > 0 {
		room = min(room, wish)
	}
	return room
}

// noLimit stands for a limit on files that is none.
const noLimit = math.MaxInt32
