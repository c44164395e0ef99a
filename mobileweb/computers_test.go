package mobileweb

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatTheComputersSay(t *testing.T) {
	site := newSite(t, Options{Host: "login.acme.example"})
	list := func(c Computer) Page { return Computers{Name: "Ada", List: []Computer{c}} }
	tests := []struct {
		name string
		page Page
		want string
	}{
		{"who is signed in", list(Computer{}), "You're signed in on these as Ada."},
		{"a computer has its names and its place", list(Computer{DeviceName: "ALICE-PC", AppName: "Acme", Platform: "Windows 11", Place: "Lisbon", Address: "203.0.113.7"}), "ALICE-PC Acme · Windows 11 Lisbon Last seen"},
		{"without a place, its address", list(Computer{Address: "203.0.113.7"}), "203.0.113.7 Last seen"},
		{"one that came once", list(Computer{First: time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)}), "Last seen 2026-03-02 First seen 2026-03-02"},
		{"the nameless", list(Computer{}), "A computer without a name this app"},
		{"its key", list(Computer{Bound: true}), "Its sign-in can't be copied to another computer"},
		{"no key", list(Computer{}), "Its sign-in is not tied to this computer"},
		{"a new one", list(Computer{Unconfirmed: true}), "New. It has limited access until you confirm it. It's mine"},
		{"what a report does", list(Computer{}), "Signs it out and blocks it. Whoever runs login.acme.example can see that."},
		{"none", Computers{Name: "Ada"}, "You're signed in on no computer."},
		{"one was signed out", Computers{Said: SaidSignedOut}, "That computer is signed out."},
		{"all were", Computers{Said: SaidAllSignedOut}, "All computers are signed out."},
		{"one was reported", Computers{Said: SaidReported}, "Signed out and blocked. Whoever runs login.acme.example can see that."},
		{"one was confirmed", Computers{Said: SaidConfirmed}, "Confirmed. It has all that you approved."},
		{"it is in the title, which is read out first", Computers{Said: SaidSignedOut}, "That computer is signed out. · Your computers · login"},
		{"the way to them says what it is for", SignIn{Next: "devices"}, "To see the computers that you are signed in on."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := accessibleText(parse(t, render(t, site, tt.page)))
			if !strings.Contains(got, tt.want) {
				t.Errorf("page says\n%s\nwant %q in it", got, tt.want)
			}
		})
	}
}

func TestTheFormsOfTheComputers(t *testing.T) {
	site := newSite(t, Options{Base: "/auth"})
	tests := []struct {
		name string
		list []Computer
		want []string
	}{
		{"none", nil, nil},
		{"one needs no way to end all", []Computer{{ID: "s1"}}, []string{"/auth/devices/s1/sign-out", "/auth/devices/s1/report"}},
		{"a new one can be confirmed", []Computer{{ID: "s1", Unconfirmed: true}}, []string{"/auth/devices/s1/confirm", "/auth/devices/s1/sign-out", "/auth/devices/s1/report"}},
		{"an ID stays one element of the path", []Computer{{ID: "../a?b"}}, []string{"/auth/devices/..%2Fa%3Fb/sign-out", "/auth/devices/..%2Fa%3Fb/report"}},
		{"several", []Computer{{ID: "s1"}, {ID: "s2"}}, []string{
			"/auth/devices/s1/sign-out", "/auth/devices/s1/report", "/auth/devices/s2/sign-out", "/auth/devices/s2/report", "/auth/devices/sign-out-everywhere",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, form := range with(t, render(t, site, Computers{List: tt.list}), "action") {
				if attribute(form, "method") != "post" {
					t.Errorf("%s is sent by %q, want post", attribute(form, "action"), attribute(form, "method"))
				}
				got = append(got, attribute(form, "action"))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("forms (-want +got):\n%s", diff)
			}
		})
	}
}

// What cannot be taken back is one step further away.
func TestWhatIsSevereAsksFirst(t *testing.T) {
	page := render(t, newSite(t, Options{}), Computers{List: []Computer{{ID: "s1"}, {ID: "s2"}}})
	for _, form := range with(t, page, "action") {
		action := attribute(form, "action")
		asks := form.Parent.Data == "details"
		if want := strings.HasSuffix(action, "/report") || strings.HasSuffix(action, "/sign-out-everywhere"); asks != want {
			t.Errorf("%s asks first: %t, want %t", action, asks, want)
		}
	}
}

func TestButtonsOfComputersTellWhichOne(t *testing.T) {
	list := []Computer{{ID: "s1", DeviceName: "ALICE-PC", Unconfirmed: true}, {ID: "s2", DeviceName: "BOB-PC"}}
	nodes := elements(parse(t, render(t, newSite(t, Options{}), Computers{List: list})))
	names := make(map[string]string)
	for _, n := range nodes {
		names[attribute(n, "id")] = accessibleText(n)
	}
	described := make(map[string]int)
	for _, n := range nodes {
		if id := attribute(n, "aria-describedby"); id != "" {
			described[names[id]]++
		}
	}
	if diff := cmp.Diff(map[string]int{"ALICE-PC": 4, "BOB-PC": 3}, described); diff != "" {
		t.Errorf("buttons by computer (-want +got):\n%s", diff)
	}
}

// The script says the times in the reader's language and zone; it needs the moment, and the reader without script a date.
func TestTimesOfComputersAreMoments(t *testing.T) {
	at := time.Date(2026, time.March, 2, 23, 30, 15, 9, time.FixedZone("", -7200))
	page := render(t, newSite(t, Options{}), Computers{List: []Computer{{First: at, Last: at.Add(time.Hour)}}})
	var moments, texts []string
	for _, n := range with(t, page, "datetime") {
		moments, texts = append(moments, attribute(n, "datetime")), append(texts, accessibleText(n))
	}
	if diff := cmp.Diff([]string{"2026-03-03T02:30:15Z", "2026-03-03T01:30:15Z"}, moments); diff != "" {
		t.Errorf("moments (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2026-03-03", "2026-03-03"}, texts); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
}

func TestNamesOfComputersAreTame(t *testing.T) {
	page := render(t, newSite(t, Options{}), Computers{List: []Computer{{
		AppName: "Ac\u202eme", DeviceName: "ALICE\u202e-PC", Platform: "Win\u2066dows", Place: "Frank\u202bfurt",
	}}})
	for _, r := range page {
		if dropControls(r) < 0 && r != '\n' {
			t.Errorf("%q came through", r)
		}
	}
	if !strings.Contains(page, "ALICE-PC") {
		t.Error("the name is gone")
	}
}
