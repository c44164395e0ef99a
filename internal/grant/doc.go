// Package grant is the state machine of a sign-in, and nothing else.
//
//	pending ──scan──► scanned ──claim──► confirming ──approve──► approved ──redeem──► redeemed
//	   │                 │                │      │                  ▲
//	   │                 │                │  await number        confirm
//	   │                 │                │      └──► verifying ────┤
//	   │                 │                │             │   └─ a third wrong number: denied
//	   └──── deny / cancel: from every state before approved    (expiry: from every state before redeemed)
//
// A grant belongs to the browser that claimed it: no other decides it, and none claims
// it any more once its passkey was proved. What awaits a number is approved by the
// desktop that brings it, within NumberTries, and by nothing else. Scopes are cut when
// a passkey is proved, and never grow.
//
// Every transition is a pure function: a Grant, the time and an input go in, a
// new Grant or one of this package's errors comes out. It reads no clock, rolls
// no dice and touches no store; the login floor does, within one transaction.
//
// Expiry is computed from the clock that is passed in and never stored, so no
// late write can revive a grant. That clock must never go back (package clock). A grant
// from the future, which a clock left that was ahead, has expired as well.
package grant
