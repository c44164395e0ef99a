// Package desktop signs a desktop app in by a phone: it shows a QR code, the
// person approves with a passkey, and the app holds tokens (RFC 8628). Whoever has
// the passkey on this computer takes its browser instead ([Client.StartHere]).
//
// A sign-in begins with [Client.Start], and only when the person asks for one.
// The [Login] that it returns yields an [Update] for each change and ends in a
// [Session] or in one of the errors of this package:
//
//	pending → scanned → confirming → (verifying →) approved → redeemed
//	any state before approved → denied or cancelled; any before redeemed → expired
//	any state before redeemed → failed, which is the SDK's own: Update.Err says why
//
// News comes by WebSocket where one can be had and by polling everywhere else.
// Push is a signal and never carries a token, so what an app sees is the same
// both ways, only later. A lost connection, a restarted server, a sleeping
// laptop or a proxy without WebSocket ends nothing: the login goes on until the
// server says how it ended or its time is over.
//
// While a login is in StateVerifying, the person types the number that the phone
// shows, and the app brings it by [Login.ConfirmNumber]. [Session.Watch] tells of a
// sign-out on the phone.
//
// Tokens are bound to a key of this installation (RFC 9449) where the server knows
// of that, and a [Session] renews them by itself. [Session.HTTPClient] calls the
// app's own servers with them.
//
// The package draws no windows. Package loginview does, and [Update.QR] is there
// for those who draw their own. Package keychain keeps sessions.
package desktop
