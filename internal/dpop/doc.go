// Package dpop makes and checks DPoP proofs (RFC 9449): what makes a token worth
// nothing to whoever steals it without the key.
//
// The SDK proves, the server and the vendor's backend verify. It keeps nothing:
// that a proof was seen before is for the caller to remember, by Proof.ReplayKey
// until Proof.Expires.
package dpop
