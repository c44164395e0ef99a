// Package login is the use cases of a sign-in: Start, Scan, BeginApproval,
// FinishApproval, Deny, Cancel, Rotate, Redeem, and what a person does with
// passkeys around them: Join, SignIn, recovery.
//
// Each use case is one transaction: it reads, lets package grant decide, and
// writes; after the commit it wakes who waits for the grant. It knows no HTTP:
// the faces (server/oauth, server/phone) turn requests into calls and errors
// into responses.
package login
