// Package token makes and opens the signed tokens of the server, and keeps the
// rules of the keys that sign them.
//
// An access token is a JWT of RFC 9068 and an ID token one of OpenID Connect Core
// section 2. Ring is one reading of the server's keys: it signs, publishes the
// public halves (RFC 7517) and opens what it signed. Sealer encrypts the keys
// where they are stored. Plan, Successor and Replacement say how one key takes over
// from another, and Statuses what each of them does:
//
//	created ──► published ──PublishLead──► signs ──► the next one signs ──last token ends──► expired
//
// The package reads no clock and touches no store: package keyring keeps the keys
// and asks Plan from time to time. That a token is good is not decided here
// alone: a session that was ended ends its tokens, and that is the caller's to ask.
package token
