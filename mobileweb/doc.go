// Package mobileweb is the face that a phone sees: the templates, the script, the style and the words of the pages
// on which a person says yes or no to a computer that asks to be signed in.
//
// It owns how a page looks and what it says. It does not own what is true: it knows no grant, no passkey and no
// address of a handler beyond the paths that its forms and its script call. The caller fills a view model (a [Page]),
// [Site.Render] turns it into HTML in the reader's language, and [Site.Assets] serves the three files that the HTML
// refers to. Nothing else is ever loaded, nothing is inline, and every page works under [ContentSecurityPolicy].
//
// A sign-in walks through the pages in this order:
//
//	EnterCode → Confirm → Approved → SignedIn
//	               │
//	               ├─ Verifying: a number is to be typed on the computer; then Approved, or NumberFailed
//	               ├─ Stopped: it cannot be approved as things stand, and can be denied
//	               ├─ Join, Recover: create a passkey, then back to the same Confirm
//	               └─ Denied, Expired, Cancelled, Ended, Used, OnAnotherPhone
//
// One that an app began in this very browser, by an authorization request, has no code and ends with the way back:
//
//	Confirm (Local) → Returned → SignedIn
//
// SignIn leads to a person's Account, or to their Computers.
//
// A Confirm warns by its [Level]. What speaks against the sign-in then stands above the facts, and both answers stay in
// reach. A code that a second browser opens is told at once, on Confirm and on Verifying.
//
// # What the script calls
//
// All requests are same-origin; those with a body are POSTs of JSON, and answer JSON. Any answer may carry
// "location", which the script follows when it stays on this origin. An answer with an error status carries
// {"error", "message", "location"?}; the message is a sentence for the person, see [Site.Say]. "return" is the app's
// own address, on another origin or of a scheme of its own: the script goes there by a path apart from "location", and
// a page never links to it.
//
//	confirm/{opening}/scan      {}                                        → 204
//	confirm/{opening}/status    GET ?since={seq}; without since: at once  → {seq, state, user_code, link_key, expires_in,
//	                                                                         claimed_elsewhere, opened_twice, tries_left}
//	confirm/{opening}/begin     {}                                        → {publicKey}
//	confirm/{opening}/finish    the credential                            → {location, return?}
//	confirm/{opening}/return    {}                                        → {return}
//	join/invitation             {invitation}                              → {name, existing}
//	join/begin                  {name, for, invitation, recovery_code}    → {ceremony, publicKey}
//	join/finish                 {ceremony, for, credential}               → {location, recovery_codes}
//	signin/begin                {}                                        → {ceremony, publicKey}
//	signin/finish               {ceremony, credential, next}              → {location}; next is "devices" or "account"
//	account/passkeys/begin      {}                                        → {ceremony, publicKey}
//	account/passkeys/finish     {ceremony, credential}                    → {location}
//	account/recovery-codes      {}                                        → {location, recovery_codes}
//
// # Plain forms, which work without script
//
//	POST device                          user_code
//	POST confirm/{opening}/deny
//	POST signout-here                    for
//	POST account/passkeys/{id}/remove
//	POST account/sign-out
//	POST devices/{id}/sign-out
//	POST devices/{id}/report
//	POST devices/{id}/confirm
//	POST devices/sign-out-everywhere
//
// The link that a Confirm copies is device?user_code=CODE&k=KEY, with the newest user_code and link_key.
// An invitation travels in the fragment of its link, join#invite=TOKEN, so that no server log ever holds it.
// Recovery codes travel from the finish of a registration to the page that shows them in the tab's sessionStorage.
package mobileweb
