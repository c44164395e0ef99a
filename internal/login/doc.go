// Package login is the use cases of a sign-in: Start or Authorize, Scan,
// BeginApproval, FinishApproval, Deny, Cancel, Rotate, Return, Redeem or Exchange;
// of what came of it: Refresh, UserInfo, Introspect, Revoke; and what a person does
// with passkeys around them: Join, SignIn, recovery.
//
// Each use case decides in one transaction: it reads, lets package grant decide, and
// writes; after the commit it wakes who waits for the grant. Tokens are signed
// before it. It knows no HTTP:
// the faces (server/oauth, server/phone) turn requests into calls and errors
// into responses.
package login
