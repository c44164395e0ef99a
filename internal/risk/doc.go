// Package risk judges from facts how likely it is that the computer that asks to be
// signed in is not the one in front of the person who is asked.
//
// It is pure: facts go in, a level and its reasons come out, and the same facts
// always lead to the same. Nothing in it is a guess about people; each reason is a
// sentence that the page can say to the person.
package risk
