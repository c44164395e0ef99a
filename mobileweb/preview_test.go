package mobileweb

import (
	"strings"
	"time"
)

// preview is a page as a person may meet it. The previews are what every test about all pages goes through.
type preview struct {
	name string
	page Page
}

func previews() []preview { return append(devicePreviews(), localPreviews()...) }

// devicePreviews are the pages of a device grant, and those that it shares with every other.
func devicePreviews() []preview {
	monday := time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)
	errand := Errand{Opening: "o7Qk2m", AppName: "Acme Studio", DeviceName: "ALICE-PC"}
	confirm := Confirm{
		Opening: "o7Qk2m", Seq: 3, UserCode: "WDJB-MJHT",
		AppName: "Acme Studio", AppVerified: true,
		DeviceName: "ALICE-PC", DevicePlatform: "Windows 11", AppVersion: "3.2.1",
		Place:  Place{Network: NetworkSame},
		Scopes: []Scope{{Name: "openid"}, {Name: "profile"}, {Name: "offline_access"}},
		Left:   4*time.Minute + 12*time.Second, Registration: RegistrationOpen,
	}
	known := confirm
	known.KnownAs = "Ada"

	far := confirm
	far.AppVerified = false
	far.Place = Place{Network: NetworkOther, Text: "Frankfurt, Germany", Address: "203.0.113.7"}
	far.Scopes = []Scope{{Name: "email"}, {Name: "projects.read", Description: "read your projects"}, {Name: "projects.write"}}
	far.Asked, far.Registration = 2*time.Minute, RegistrationByInvitation

	bare := Confirm{Opening: "o7Qk2m", UserCode: "WDJB-MJHT", Left: 41 * time.Second}

	long := confirm
	long.AppName = strings.Repeat("W", 64)
	long.DeviceName = strings.Repeat("שלום", 16)
	long.DevicePlatform = "🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧"
	long.AppVersion = strings.Repeat("9", 64)
	long.KnownAs = strings.Repeat("Augusta", 9)
	long.Place = Place{Network: NetworkOther, Text: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, Wales", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348"}

	passkeys := []Passkey{
		{ID: "p1", Label: "iCloud Keychain", Created: monday, LastUsed: monday.AddDate(0, 1, 4)},
		{ID: "p2", Number: 1, Created: monday.AddDate(0, 0, 9)},
	}
	return []preview{
		{"code", EnterCode{}},
		{"code missing", EnterCode{Problem: CodeMissing}},
		{"code malformed", EnterCode{Code: "WDJB-M", Problem: CodeMalformed}},
		{"code unknown", EnterCode{Code: "WDJB-MJHT", Problem: CodeUnknown}},
		{"code too many tries", EnterCode{Code: "WDJB-MJHT", Problem: CodeTooManyTries, Wait: 90 * time.Second}},
		{"confirm", confirm},
		{"confirm known", known},
		{"confirm far", far},
		{"confirm bare", bare},
		{"confirm long", long},
		{"approved", Approved{Opening: "o7Qk2m", Seq: 5, AppName: "Acme Studio", DeviceName: "ALICE-PC"}},
		{"signed in", SignedIn{AppName: "Acme Studio", DeviceName: "ALICE-PC"}},
		{"denied", Denied{AppName: "Acme Studio", DeviceName: "ALICE-PC"}},
		{"expired", Expired{}},
		{"cancelled", Cancelled{AppName: "Acme Studio", DeviceName: "ALICE-PC"}},
		{"ended", Ended{AppName: "Acme Studio", DeviceName: "ALICE-PC"}},
		{"used", Used{AppName: "Acme Studio", DeviceName: "ALICE-PC"}},
		{"on another phone", OnAnotherPhone{DeviceName: "ALICE-PC"}},
		{"unknown code", UnknownCode{}},
		{"too many tries", TooManyTries{Wait: 40 * time.Second}},
		{"broken", Broken{Reference: "7F3K-Q2"}},
		{"not found", NotFound{}},
		{"refused", Refused{}},
		{"disabled", Disabled{}},
		{"join", Join{Registration: RegistrationOpen, For: errand}},
		{"join by invitation", Join{Registration: RegistrationByInvitation}},
		{"join closed", Join{Registration: RegistrationClosed, For: errand}},
		{"recover", Recover{For: errand}},
		{"recovery codes", RecoveryCodes{For: errand}},
		{"sign in", SignIn{}},
		{"sign in again", SignIn{Again: true}},
		{"account", Account{Name: "Ada", Passkeys: passkeys, RecoveryCodesLeft: 9}},
		{"account with one passkey", Account{Name: "Ada", Passkeys: passkeys[:1], RecoveryCodesLeft: 1}},
	}
}

// localPreviews are the pages of a sign-in that began in this very browser.
func localPreviews() []preview {
	const opening = "o7Qk2m"
	confirm := Confirm{
		Opening: opening, Seq: 1, Local: true,
		AppName: "Acme Studio", AppVerified: true,
		DeviceName: "ALICE-PC", DevicePlatform: "Windows 11", AppVersion: "3.2.1",
		Scopes: []Scope{{Name: "openid"}, {Name: "profile"}, {Name: "offline_access"}},
		Left:   4*time.Minute + 51*time.Second, Registration: RegistrationOpen,
	}
	site := Confirm{
		Opening: opening, Seq: 1, Local: true, Site: "app.acme.example",
		AppName: "Acme on the web", Left: 5 * time.Minute, KnownAs: "Ada",
	}
	long := confirm
	long.AppName = strings.Repeat("W", 64)
	long.DeviceName = strings.Repeat("שלום", 16)
	long.AppVersion = strings.Repeat("9", 64)
	long.Site = strings.Repeat("subdomain.", 24) + "acme.example:8443"
	long.Registration = RegistrationByInvitation
	returned := Returned{Opening: opening, Seq: 4, AppName: "Acme Studio", DeviceName: "ALICE-PC"}
	approved, expired := returned, returned
	approved.Outcome, expired.Outcome = OutcomeApproved, OutcomeExpired
	return []preview{
		{"local confirm", confirm},
		{"local confirm of a site", site},
		{"local confirm long", long},
		{"local approved", approved},
		{"local denied", returned},
		{"local expired", expired},
		{"local of nameless", Returned{Opening: opening, Outcome: OutcomeApproved}},
		{"local too many tries", TooManyTries{Wait: 40 * time.Second, Local: true}},
		{"local broken", Broken{Reference: "7F3K-Q2", Local: true}},
		{"link of an unknown app", BrokenLink{Fault: LinkUnknownApp}},
		{"link to an unregistered address", BrokenLink{Fault: LinkUnregisteredReturn}},
		{"link malformed", BrokenLink{}},
	}
}
