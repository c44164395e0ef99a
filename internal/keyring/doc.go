// Package keyring keeps the server's own keys in the store: it makes the ones that
// are missing, publishes a successor before it signs, seals them with the operator's
// key file, and hands out readings of them that are a few seconds old at most.
//
// What a key is and when one follows another is decided in package token, without
// a store and by the time that is passed in.
package keyring
