package loginview

import (
	"strconv"
	"strings"
)

// Words is every sentence that a View shows: another language is another value.
// {app}, {name}, {host} and {tries} are filled in.
type Words struct {
	Title        string
	TitleUnnamed string // without the app's name

	Idle     string
	IdleNote string
	ShowCode string // button
	Starting string

	Scan     string
	OrOpen   string // before the address
	AndEnter string // before the code
	CopyLink string // button
	Copied   string // on that button, for a moment

	Confirm  string
	YourCode string // before the code, to compare with the phone
	NewCode  string // button
	Approved string

	Verify          string
	VerifyNote      string
	Checking        string // in place of VerifyNote, as the next three
	WrongNumber     string // {tries} are left
	WrongNumberLast string // one is left
	NumberLost      string
	Cancel          string // button

	Welcome        string
	WelcomeUnnamed string // when the server doesn't tell the name
	WelcomeNote    string

	Here          string // button
	HereLead      string
	HereNote      string
	HereAgain     string // button
	UsePhone      string // button
	NoBrowser     string // in place of HereLead
	NoBrowserNote string

	Denied        string
	NumbersDiffer string
	Cancelled     string
	Nobody        string // under all three
	Expired       string
	ExpiredNote   string
	TryAgain      string // button

	// The same of a sign-in in this computer's browser.
	DeniedHere          string
	ExpiredHere         string
	ExpiredHereNote     string
	InterruptedHereNote string

	Reconnecting       string
	Unreachable        string
	UnreachableUnnamed string // before the host is known
	UnreachableNote    string
	Busy               string
	BusyNote           string
	Interrupted        string
	InterruptedNote    string
	Refused            string
	RefusedNote        string
	Broken             string
	BrokenNote         string

	ThisApp string // stands for {app} without the app's name
	Dash    string // as it is read out in a code
	Erased  string // of a digit, for those who can't see it
}

// English is the default.
func English() Words {
	return Words{
		Title:        "Sign in to {app}",
		TitleUnnamed: "Sign in",

		Idle:     "Use your phone to sign in",
		IdleNote: "Scan a code, touch the fingerprint sensor, done.",
		ShowCode: "Show the code",
		Starting: "Getting a code…",

		Scan:     "Scan with your phone's camera",
		OrOpen:   "or open",
		AndEnter: "and enter",
		CopyLink: "Copy link",
		Copied:   "Copied",

		Confirm:  "Confirm on your phone",
		YourCode: "Your code",
		NewCode:  "Show a new code",
		Approved: "Approved. Signing you in…",

		Verify:          "Type the number that your phone shows",
		VerifyNote:      "It is on the page where you approved.",
		Checking:        "Checking…",
		WrongNumber:     "That's not the number. {tries} tries left.",
		WrongNumberLast: "That's not the number. 1 try left.",
		NumberLost:      "That did not get through. Type it again.",
		Cancel:          "Cancel",

		Welcome:        "Welcome, {name}",
		WelcomeUnnamed: "Welcome",
		WelcomeNote:    "You're signed in to {app}.",

		Here:          "Sign in on this computer",
		HereLead:      "Continue in your browser",
		HereNote:      "Your browser is open. Approve there with your passkey.",
		HereAgain:     "Open it again",
		UsePhone:      "Use my phone instead",
		NoBrowser:     "Open the link in your browser",
		NoBrowserNote: "It did not open by itself. Copy the link, and open it on this computer.",

		Denied:        "Denied on the phone.",
		NumbersDiffer: "Denied: the numbers didn't match.",
		Cancelled:     "Cancelled.",
		Nobody:        "Nobody was signed in.",
		Expired:       "This code has run out.",
		ExpiredNote:   "Take a new one when you are ready.",
		TryAgain:      "Try again",

		DeniedHere:          "Denied in the browser.",
		ExpiredHere:         "This sign-in has run out.",
		ExpiredHereNote:     "Start again when you are ready.",
		InterruptedHereNote: "You approved, but the answer did not arrive here. Try again.",

		Reconnecting:       "Reconnecting, still checking",
		Unreachable:        "Can't reach {host}.",
		UnreachableUnnamed: "Can't reach the server.",
		UnreachableNote:    "Check your connection, then try again.",
		Busy:               "Very many people are signing in at the moment.",
		BusyNote:           "Wait a few seconds, then try again.",
		Interrupted:        "The last step got lost.",
		InterruptedNote:    "Your phone approved, but the answer did not arrive here. Try again with a new code.",
		Refused:            "{app} can't sign in here.",
		RefusedNote:        "Show this to whoever runs the server:",
		Broken:             "Something went wrong.",
		BrokenNote:         "Try again. If it happens again, show this to whoever runs the server:",

		ThisApp: "this app",
		Dash:    "dash",
		Erased:  "erased",
	}
}

// fill puts the facts of the moment into a sentence.
func fill(sentence string, app, name, host string) string {
	return strings.NewReplacer("{app}", app, "{name}", name, "{host}", host).Replace(sentence)
}

// wrongNumber tells how many numbers may still be tried.
func (w Words) wrongNumber(left int) string {
	if left == 1 {
		return w.WrongNumberLast
	}
	return strings.ReplaceAll(w.WrongNumber, "{tries}", strconv.Itoa(left))
}

// spell is a code as it should be read out: letter by letter.
func (w Words) spell(code string) string {
	letters := make([]string, 0, len(code))
	for _, r := range code {
		if r == '-' {
			letters = append(letters, w.Dash)
			continue
		}
		letters = append(letters, string(r))
	}
	return strings.Join(letters, ", ")
}
