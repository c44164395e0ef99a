// Package loginview is a Fyne widget that signs a person in by phone. It shows
// the QR code, says what to do next, and ends in a session:
//
//	idle → starting → waiting → scanned, confirming → (verifying →) approved → welcome
//	any but the last two → denied, expired, cancelled, unreachable, or another trouble
//
// A [View] draws what a [desktop.Client] tells it and decides nothing: it never
// begins a sign-in that nobody asked for (RFC 8628 section 3.1), so after a code
// has run out it waits for the person. Keeping the session and showing the app
// afterwards is the app's.
//
// The look is that of the phone's pages: the same colours, sizes and words, in
// light and dark as the app's settings say. The font is the app's.
//
// Fyne 2.7 gives no text to screen readers. What one should say goes to
// [Options.Announce], for apps that can speak by other means. The keyboard works
// everywhere: Tab reaches each control, Enter and Space press a button, and the
// copy shortcut copies the code, the address or the link that has the focus. The boxes
// for the number take the keyboard when they come, unless something else of the app
// has it.
package loginview
