// Package auth holds the nouns of the house and their typed identifiers:
// clients, users, passkeys, sessions, scopes, and the codes and tokens that
// name or prove them.
//
// It is the lowest floor. It knows nothing of HTTP, SQL or WebAuthn, and it
// decides nothing; the rules of a sign-in live in package grant.
package auth
