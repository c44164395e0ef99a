package loginview

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/desktop"
)

func TestScreens(t *testing.T) {
	const title, host = "Sign in to Acme Studio", "login.acme.example"
	want := map[string][]string{
		"idle":     {title, "Use your phone to sign in", "Scan a code, touch the fingerprint sensor, done.", "Show the code"},
		"starting": {title, "Getting a code…"},
		"waiting": {
			host, title, "Scan with your phone's camera",
			"or open", "login.acme.example/device", "and enter", "WDJB-MJHT", "0:41", "Copy link", "Sign in on this computer",
		},
		"copied": {
			host, title, "Scan with your phone's camera",
			"or open", "login.acme.example/device", "and enter", "WDJB-MJHT", "0:41", "Copied", "Sign in on this computer",
		},
		"offline": {
			"Reconnecting, still checking", title, "Scan with your phone's camera",
			"or open", "login.acme.example/device", "and enter", "WDJB-MJHT", "0:41", "Copy link", "Sign in on this computer",
		},
		"here": {
			host, title, "Continue in your browser", "Your browser is open. Approve there with your", "passkey.",
			"Open it again", "Use my phone instead",
		},
		"here, unopened": {
			host, title, "Open the link in your browser", "It did not open by itself. Copy the link, and open it on",
			"this computer.", "Copy link", "Use my phone instead",
		},
		"here, offline": {
			"Reconnecting, still checking", title, "Continue in your browser",
			"Your browser is open. Approve there with your", "passkey.", "Open it again", "Use my phone instead",
		},
		"here, approved": {host, title, "Approved. Signing you in…"},
		"here, denied":   {host, title, "Denied in the browser.", "Nobody was signed in.", "Try again"},
		"here, expired":  {host, title, "This sign-in has run out.", "Start again when you are ready.", "Try again"},
		"here, interrupted": {
			host, title, "The last step got lost.", "You approved, but the answer did not arrive here.",
			"Try again.", "Try again",
		},
		"scanned":    {host, title, "Confirm on your phone", "Your code", "WDJB-MJHT", "4:52", "Show a new code"},
		"confirming": {host, title, "Confirm on your phone", "Your code", "WDJB-MJHT", "4:52", "Show a new code"},
		"verifying": {
			host, title, "Type the number that your phone shows", "It is on the page where you approved.", "Cancel",
		},
		"verifying, half": {
			host, title, "Type the number that your phone shows", "4", "It is on the page where you approved.", "Cancel",
		},
		"verifying, checking": {
			host, title, "Type the number that your phone shows", "4", "7", "Checking…", "Cancel",
		},
		"verifying, wrong": {
			host, title, "Type the number that your phone shows", "That's not the number. 2 tries left.", "Cancel",
		},
		"verifying, last": {
			host, title, "Type the number that your phone shows", "That's not the number. 1 try left.", "Cancel",
		},
		"verifying, lost": {
			host, title, "Type the number that your phone shows", "That did not get through. Type it again.", "Cancel",
		},
		"numbers differ": {host, title, "Denied: the numbers", "didn't match.", "Nobody was signed in.", "Try again"},
		"approved":       {host, title, "Approved. Signing you in…"},
		"success":        {host, "Welcome, Ada", "You're signed in to Acme Studio."},
		"denied":         {host, title, "Denied on the phone.", "Nobody was signed in.", "Try again"},
		"expired":        {host, title, "This code has run out.", "Take a new one when you are ready.", "Show a new code"},
		"cancelled":      {host, title, "Cancelled.", "Nobody was signed in.", "Try again"},
		"interrupted": {
			host, title, "The last step got lost.", "Your phone approved, but the answer did not arrive",
			"here. Try again with a new code.", "Try again",
		},
		"unreachable": {
			host, title, "Can't reach login.acme.example.", "Check your connection, then try again.", "Try again",
		},
		"refused": {
			host, title, "Acme Studio can't sign in here.", "Show this to whoever runs the server:",
			"the server does not know this app (invalid_client):", "register its client ID with the server's operator",
			"Try again",
		},
		"broken": {
			host, title, "Something went wrong.", "Try again. If it happens again, show this to whoever",
			"runs the server:", "desktop: the server's answer lacks a code, an", "address or a lifetime", "Try again",
		},
	}
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			r := newRig(t)
			scene.play(r)
			if diff := cmp.Diff(want[scene.name], r.texts()); diff != "" {
				t.Errorf("texts differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnnouncements(t *testing.T) {
	r := newRig(t)
	l := r.begin()
	r.tell(l, waiting())
	r.tell(l, waiting()) // no news
	r.tell(l, with(func(u *desktop.Update) { u.Offline = true }))
	r.tell(l, in(desktop.StateScanned))
	r.tell(l, in(desktop.StateConfirming)) // the same to a person
	r.end(l, desktop.ErrDenied)
	want := []string{
		"Use your phone to sign in. Scan a code, touch the fingerprint sensor, done",
		"Getting a code…",
		"Scan with your phone's camera. or open login.acme.example/device. and enter W, D, J, B, dash, M, J, H, T",
		"Reconnecting, still checking. Scan with your phone's camera. or open login.acme.example/device. " +
			"and enter W, D, J, B, dash, M, J, H, T",
		"Confirm on your phone. Your code W, D, J, B, dash, M, J, H, T",
		"Denied on the phone. Nobody was signed in",
	}
	if diff := cmp.Diff(want, r.said); diff != "" {
		t.Errorf("announcements differ (-want +got):\n%s", diff)
	}
}
