// Package gate decides who is let in when more requests come than can be answered.
//
// A Gate has so many places. Whoever finds none free waits in a line, and whoever finds
// the line too long or too slow is turned away at once and told when to come again: what
// is let in is answered as fast as ever, and what is not costs next to nothing. Each kind
// of request has a Gate of its own (Gates), so that no flood of one takes the places of
// another.
//
// A place is held while there is something to find out, and no longer. A request's body
// is read before a place is taken, and its answer is written after the place was given
// back: neither who sends slowly nor who reads slowly keeps anybody out.
package gate
