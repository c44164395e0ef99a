// Package audit keeps the log of what happened: append-only, each record chained by
// hash to the one before, so that what was changed, taken out or put in another
// order by hand shows.
//
// A record is written in the transaction that it tells of, so that neither is there
// without the other, and in the same transaction the notice that the operator's
// webhook is to have. Package webhook delivers it.
//
// The chain has no key. Who can write to the database can also write the whole log
// anew, with hashes that fit: against that helps a head (FormatHead) that was noted
// somewhere else before, which Verify compares.
//
// What a record says of a person stands apart and can be forgotten. Its hash stays in
// the chain, and tells nothing, for there was chance in what it was made of.
package audit
