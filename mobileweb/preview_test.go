package mobileweb

import (
	"slices"
	"strings"
	"time"
)

// preview is a page as a person may meet it. The previews are what every test about all pages goes through.
type preview struct {
	name string
	page Page
}

func previews() []preview {
	return slices.Concat(devicePreviews(), riskPreviews(), computerPreviews(), localPreviews())
}

// wordPreviews are those of the golden file.
func wordPreviews() []preview {
	return slices.Concat(devicePreviews(), riskPreviews(), computerPreviews())
}

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
	far.Level, far.Numbered, far.Reduced, far.LinkKey = LevelMedium, true, true, "Zk3x_9-A"
	far.Warnings = []Warning{WarnOtherNetwork}
	far.AppVerified = false
	far.Place = Place{Network: NetworkOther, Text: "Frankfurt, Germany", Operator: "Example Telecom", Address: "203.0.113.7"}
	far.Scopes = []Scope{{Name: "email"}, {Name: "projects.read", Description: "read your projects"}, {Name: "projects.write"}}
	far.Asked, far.Registration = 2*time.Minute, RegistrationByInvitation

	bare := Confirm{Opening: "o7Qk2m", UserCode: "WDJB-MJHT", Left: 41 * time.Second}

	long := confirm
	long.AppName = strings.Repeat("W", 64)
	long.DeviceName = strings.Repeat("שלום", 16)
	long.DevicePlatform = "🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧🐧"
	long.AppVersion = strings.Repeat("9", 64)
	long.KnownAs = strings.Repeat("Augusta", 9)
	long.Level, long.Numbered, long.OpenedTwice, long.Reduced = LevelHigh, true, true, true
	long.Warnings = []Warning{
		WarnOtherNetwork, WarnUnknownNetwork, WarnOtherCountry, WarnUnusualCountry, WarnOpenedTwice, WarnManyStarts, WarnReported,
	}
	long.Place = Place{Network: NetworkOther, Text: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, Wales", Operator: strings.Repeat("Operator ", 9), Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348"}

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
		{"busy", Busy{Reload: true}},
		{"busy when something was sent", Busy{}},
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
		{"sign in to computers", SignIn{Next: "devices"}},
		{"account", Account{Name: "Ada", Passkeys: passkeys, RecoveryCodesLeft: 9}},
		{"account with one passkey", Account{Name: "Ada", Passkeys: passkeys[:1], RecoveryCodesLeft: 1}},
	}
}

// riskPreviews are the pages of a device grant that something speaks against.
func riskPreviews() []preview {
	const opening, app, computer = "o7Qk2m", "Acme Studio", "ALICE-PC"
	medium := Confirm{
		Opening: opening, Seq: 3, UserCode: "WDJB-MJHT", LinkKey: "Zk3x_9-A",
		AppName: app, AppVerified: true,
		DeviceName: computer, DevicePlatform: "Windows 11", AppVersion: "3.2.1",
		Place: Place{Network: NetworkOther, Text: "Frankfurt, Germany", Operator: "Example Telecom", Address: "203.0.113.7"},
		Level: LevelMedium, Warnings: []Warning{WarnOtherNetwork}, Numbered: true,
		Scopes: []Scope{{Name: "openid"}, {Name: "profile"}, {Name: "offline_access"}},
		Left:   4*time.Minute + 12*time.Second, KnownAs: "Ada",
	}
	unknown := medium
	unknown.Place, unknown.Numbered = Place{Address: "2001:db8:85a3::7348"}, false
	unknown.Warnings = []Warning{WarnUnknownNetwork}

	high := medium
	high.Level, high.Reduced = LevelHigh, true
	high.Warnings = []Warning{WarnOtherNetwork, WarnOtherCountry, WarnUnusualCountry}
	high.Scopes = high.Scopes[:2]

	near := medium
	near.Level, near.Warnings, near.Numbered, near.Place = LevelLow, nil, false, Place{Network: NetworkSame}
	known := near // by its key, on another network: the row of the place says enough
	known.Warnings, known.Place = medium.Warnings, medium.Place
	twice := near
	twice.Level, twice.OpenedTwice, twice.Warnings, twice.Numbered = LevelMedium, true, []Warning{WarnOpenedTwice}, true
	reported := near
	reported.Warnings = []Warning{WarnReported}

	stopped := Stopped{Opening: opening, AppName: app, DeviceName: computer, Warnings: high.Warnings}
	verifying := Verifying{
		Opening: opening, Seq: 5, Number: "47", AppName: app, DeviceName: computer, TriesLeft: 3,
		Left: 3*time.Minute + 40*time.Second,
	}
	wrong := verifying
	wrong.Number, wrong.TriesLeft, wrong.OpenedTwice = "07", 1, true
	return []preview{
		{"confirm medium", medium},
		{"confirm unknown network", unknown},
		{"confirm high", high},
		{"confirm opened twice", twice},
		{"confirm known computer elsewhere", known},
		{"confirm reported", reported},
		{"verifying", verifying},
		{"verifying after a wrong number", wrong},
		{"verifying on a nameless computer", Verifying{Opening: opening, Number: "80", TriesLeft: 2}},
		{"number failed", NumberFailed{AppName: app, DeviceName: computer}},
		{"stopped", stopped},
		{"stopped unknown computer", Stopped{Opening: opening, AppName: app, DeviceName: computer, Why: StoppedUnknownDevice, Warnings: []Warning{WarnOtherNetwork}}},
		{"stopped reported computer", Stopped{Opening: opening, AppName: app, DeviceName: computer, Why: StoppedReported, Warnings: []Warning{WarnOtherNetwork}}},
		{"stopped nameless", Stopped{Opening: opening}},
	}
}

// computerPreviews are the list of computers, as it changes.
func computerPreviews() []preview {
	monday := time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)
	list := []Computer{
		{
			ID: "s1", AppName: "Acme Studio", DeviceName: "ALICE-PC", Platform: "Windows 11", Place: "Frankfurt, Germany",
			Address: "203.0.113.7", First: monday.AddDate(0, 1, 4), Last: monday.AddDate(0, 1, 4).Add(time.Hour), Bound: true, Unconfirmed: true,
		},
		{
			ID: "s2", AppName: "Acme Studio", DeviceName: "Ada's laptop", Platform: "Ubuntu 26.04", Place: "Lisbon, Portugal",
			First: monday, Last: monday.AddDate(0, 1, 3), Bound: true,
		},
		{ID: "s3", AppName: "Acme on the web", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", First: monday, Last: monday.AddDate(0, 1, 1)},
	}
	long := Computer{
		ID: "s4", AppName: strings.Repeat("W", 64), DeviceName: strings.Repeat("שלום", 16), Platform: strings.Repeat("🐧", 32),
		Place: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, Wales", First: monday, Last: monday,
	}
	return []preview{
		{"computers", Computers{Name: "Ada", List: list}},
		{"computers one", Computers{Name: "Ada", List: list[1:2], Said: SaidSignedOut}},
		{"computers none", Computers{Name: "Ada"}},
		{"computers all signed out", Computers{Name: "Ada", Said: SaidAllSignedOut}},
		{"computers after a report", Computers{Name: "Ada", List: list[1:], Said: SaidReported}},
		{"computers after a confirmation", Computers{Name: "Ada", List: list[1:2], Said: SaidConfirmed}},
		{"computers long", Computers{Name: strings.Repeat("Augusta", 9), List: []Computer{long}}},
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
		{"local stopped", Stopped{Opening: opening, AppName: "Acme Studio", DeviceName: "ALICE-PC", Local: true, Warnings: []Warning{WarnOpenedTwice, WarnReported}}},
		{"local stopped as reported", Stopped{Opening: opening, AppName: "Acme Studio", DeviceName: "ALICE-PC", Local: true, Why: StoppedReported}},
		{"local too many tries", TooManyTries{Wait: 40 * time.Second, Local: true}},
		{"local broken", Broken{Reference: "7F3K-Q2", Local: true}},
		{"link of an unknown app", BrokenLink{Fault: LinkUnknownApp}},
		{"link to an unregistered address", BrokenLink{Fault: LinkUnregisteredReturn}},
		{"link malformed", BrokenLink{}},
	}
}
