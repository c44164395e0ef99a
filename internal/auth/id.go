package auth

// ClientID names an OAuth client (RFC 6749 section 2.2). It is public.
type ClientID string

// UserID names a person's account. It is random, never reused, and is the
// WebAuthn user handle and the token's subject.
type UserID string

// GrantID names a grant in logs, pages and the push hub. It is the hash of the
// grant's device code: whoever holds the code can compute it, and nobody can
// go back from it to the code.
type GrantID string

// SessionID names what a redeemed grant became: one desktop, signed in.
type SessionID string

// BrowserID names a phone's browser: the hash of the cookie that it holds.
type BrowserID string
