package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/desktop"
)

// inRow presses what has that name in the row of a computer.
func (p *phone) inRow(computer, name string) {
	p.t.Helper()
	quoted, err := json.Marshal(computer)
	p.must(err)
	until(p.t, name+" in the row of "+computer, func() bool {
		return p.on(name, []string{"button", "DisclosureTriangle"}, `function() {
			const row = this.closest("li");
			if (!row || row.querySelector("h2").innerText.trim() !== `+string(quoted)+` || !this.checkVisibility()) return false;
			this.click();
			return true;
		}`)
	})
}

// row is what a person reads of a computer.
func (p *phone) row(computer string) string {
	p.t.Helper()
	quoted, err := json.Marshal(computer)
	p.must(err)
	text, _ := eval[string](p, `[...document.querySelectorAll(".computers li")]
		.filter(row => row.querySelector("h2").innerText.trim() === `+string(quoted)+`).map(row => row.innerText).join("\n")`)
	return text
}

// tells wants the row of a computer to say all of that.
func (p *phone) tells(computer string, all ...string) {
	p.t.Helper()
	row := p.row(computer)
	for _, want := range all {
		if !strings.Contains(row, want) {
			p.t.Errorf("the row of %s does not say %q:\n%s", computer, want, row)
		}
	}
}

// unfold opens what asks "sure?" before it is done.
func (p *phone) unfold(name string) {
	p.t.Helper()
	until(p.t, "there is "+name, func() bool {
		return p.on(name, []string{"DisclosureTriangle"}, `function() { this.click(); return true }`)
	})
}

// named is a desktop of that name.
func named(name, platform string) func(*desktop.Config) {
	return func(c *desktop.Config) {
		c.Device = desktop.Device{Name: name, Platform: platform, AppVersion: "1.4.2"}
	}
}

// alive wants the session to be good.
func alive(t *testing.T, s *desktop.Session) {
	t.Helper()
	if _, err := s.UserInfo(t.Context()); err != nil {
		t.Errorf("a session that nobody ended: %v", err)
	}
}

// over wants the session to have been ended elsewhere.
func over(t *testing.T, s *desktop.Session) {
	t.Helper()
	if _, err := s.UserInfo(t.Context()); !errors.Is(err, desktop.ErrSignedOut) {
		t.Errorf("a session that was ended: got %v, want ErrSignedOut", err)
	}
}

// copied is a shelf with what this one holds now.
func (s *shelf) copied() *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &shelf{kept: maps.Clone(s.kept)}
}

// shelved saves the session, and returns a copy of what is kept.
func shelved(t *testing.T, session *desktop.Session) *shelf {
	t.Helper()
	store := new(shelf)
	if err := session.Save(store); err != nil {
		t.Fatal(err)
	}
	return store.copied()
}

// growStale makes every browser one in which a passkey was proved too long ago for
// the account's pages.
func (s *server) growStale(t *testing.T) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(s.data, "qrauthd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`UPDATE browsers SET proved_at = proved_at - ?`, (11 * time.Minute).Microseconds()); err != nil {
		t.Fatal(err)
	}
}

func TestAComputerIsSignedOutFromThePhone(t *testing.T) {
	s, f := serveTheMap(t)
	p := newPhone(t)
	p.from(inTheSameOffice)
	p.signUp(s, "Ada")
	bearer := func(c *desktop.Config) { c.DisableDPoP = true }
	bob := enter(t, sdk(t, s.issuer, f.at(t, "203.0.113.8"), named("BOBS-LAPTOP", "macOS 15"), bearer), p)
	alice := enter(t, sdk(t, s.issuer, f.at(t, inFrankfurt)), p)
	bobs, alices := shelved(t, bob), shelved(t, alice)
	p.press("Your computers")
	p.see("You're signed in on these as Ada.")
	p.tells("ALICE-PC", "Desktop Demo · Windows 11", "Frankfurt, Germany", "First seen just now", "Last seen just now",
		"Its sign-in can't be copied to another computer")
	p.tells("BOBS-LAPTOP", "Desktop Demo · macOS 15", "Its sign-in is not tied to this computer")
	p.shoot("computers")

	p.inRow("ALICE-PC", "Sign out")
	p.see("That computer is signed out.")
	over(t, alice)
	alive(t, bob)
	if row := p.row("ALICE-PC"); row != "" {
		t.Errorf("a computer that is signed out is in the list:\n%s", row)
	}
	s.stop()
	s.start(t)
	if _, err := sdk(t, s.issuer).Restore(t.Context(), alices); !errors.Is(err, desktop.ErrNoSession) {
		t.Errorf("after a restart of the server: got %v, want ErrNoSession", err)
	}
	if _, err := sdk(t, s.issuer).Restore(t.Context(), bobs); err != nil {
		t.Errorf("after a restart of the server the other computer has %v", err)
	}
	p.open(s.issuer + "/devices")
	p.see("BOBS-LAPTOP")
	if row := p.row("ALICE-PC"); row != "" {
		t.Errorf("after a restart of the server the list has:\n%s", row)
	}
}

func TestADesktopThatWatchesLearnsOfItsSignOut(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	session := enter(t, sdk(t, s.issuer), p)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	watched := make(chan error, 1)
	go func() { watched <- session.Watch(ctx) }()
	p.press("Your computers")
	p.inRow("ALICE-PC", "Sign out")
	if err := <-watched; !errors.Is(err, desktop.ErrSignedOut) {
		t.Errorf("the watch ended with %v, want ErrSignedOut", err)
	}
	p.see("You're signed in on no computer.")
	p.shoot("computers-empty")
}

func TestSignOutEverywhere(t *testing.T) {
	s := serve(t)
	p, stranger := newPhone(t), newPhone(t)
	p.signUp(s, "Ada")
	stranger.signUp(s, "Eve")
	theirs := enter(t, sdk(t, s.issuer), stranger)
	all := []*desktop.Session{enter(t, sdk(t, s.issuer), p), enter(t, sdk(t, s.issuer, named("BOBS-LAPTOP", "")), p)}
	p.open(s.issuer + "/devices")
	p.unfold("Sign out everywhere")
	p.see("Signing in again takes your passkey.")
	p.press("Sign out all of them")
	p.see("All computers are signed out.")
	for _, session := range all {
		over(t, session)
	}
	alive(t, theirs)
	p.see("You're signed in on no computer.")
	enter(t, sdk(t, s.issuer), p) // nobody is kept out
	p.open(s.issuer + "/devices")
	p.see("ALICE-PC")
}

func TestThisWasntMe(t *testing.T) {
	s, f := serveTheMap(t)
	p := newPhone(t)
	p.from(inBerlin)
	p.signUp(s, "Ada")
	near := sdk(t, s.issuer, f.at(t, "198.51.100.7"))
	mine := enter(t, near, p)
	evil := sdk(t, s.issuer, f.at(t, inFrankfurt), named("WORKSTATION-9", "Windows 11"))
	theirs := enterByNumber(t, evil, p)
	p.press("Your computers")
	p.inRow("WORKSTATION-9", "This wasn't me")
	p.see("Signs it out and blocks it.")
	p.inRow("WORKSTATION-9", "Sign out and block")
	p.see("Signed out and blocked.")
	p.shoot("computers-reported")
	over(t, theirs)
	alive(t, mine)

	p.open(begin(t, evil).Current().Link())
	p.see("You reported this computer.")
	p.offersNone("Approve", "Check again")
	p.shoot("stopped-reported")
	other := sdk(t, s.issuer, f.at(t, inFrankfurt)) // the same address, and a key that nobody knows
	p.open(begin(t, other).Current().Link())
	p.see("You reported this computer.")

	list := s.blocks(t)
	if len(list) != 2 || list["key"] == "" || list["address"] != inFrankfurt {
		t.Fatalf("blocked: got %v, want a key and %s", list, inFrankfurt)
	}
	s.lift(t, "key", list["key"])
	p.open(begin(t, evil).Current().Link())
	p.see("You reported this computer.") // its address is blocked still
	s.lift(t, "address", inFrankfurt)
	if left := s.blocks(t); len(left) != 0 {
		t.Errorf("blocked still: %v", left)
	}
	if who := name(t, enterByNumber(t, evil, p)); who != "Ada" {
		t.Errorf("after the blocks are lifted: got a session of %q, want Ada's", who)
	}
}

// enterByNumber is enter where a number is demanded.
func enterByNumber(t *testing.T, c *desktop.Client, p *phone) *desktop.Session {
	t.Helper()
	login := begin(t, c)
	p.open(login.Current().Link())
	p.press("Approve")
	number := p.number()
	reach(t, login, desktop.StateVerifying)
	if err := login.ConfirmNumber(t.Context(), number); err != nil {
		t.Fatal(err)
	}
	session := signedIn(t, login)
	p.see("You're signed in on ")
	return session
}

// blocks are what the operator sees blocked, by kind.
func (s *server) blocks(t *testing.T) map[string]string {
	t.Helper()
	var rows []struct{ Kind, Value string }
	out := s.operate(t, "block", "list", "--json")
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	list := map[string]string{}
	for _, r := range rows {
		list[r.Kind] = r.Value
	}
	return list
}

// lift has the operator lift a block. The value may begin with a hyphen.
func (s *server) lift(t *testing.T, kind, value string) {
	t.Helper()
	out, err := exec.Command(binary("qrauthd"), "block", "remove", "--data", s.data, "--", kind, value).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "lifted "+kind+" "+value+", reported by Ada") {
		t.Fatalf("block remove %s %s: %v\n%s", kind, value, err, out)
	}
}

func TestAStaleBrowserProvesThePasskeyFirst(t *testing.T) {
	s := serve(t)
	p := newPhone(t)
	p.signUp(s, "Ada")
	session := enter(t, sdk(t, s.issuer), p)
	s.growStale(t)
	p.press("Your computers")
	p.see("To see the computers that you are signed in on.")
	p.press("Sign in with your passkey")
	p.see("You're signed in on these as Ada.")

	// A list that stayed open for long decides nothing.
	s.growStale(t)
	p.inRow("ALICE-PC", "Sign out")
	p.see("To see the computers that you are signed in on.")
	alive(t, session)
	p.press("Sign in with your passkey")
	p.inRow("ALICE-PC", "Sign out")
	p.see("That computer is signed out.")
	over(t, session)

	stranger := newPhone(t)
	stranger.open(s.issuer + "/devices")
	stranger.see("To see the computers that you are signed in on.")
}

func TestANewComputerHasLessUntilItIsConfirmed(t *testing.T) {
	s := serve(t)
	s.demand(t, "--reduced-scope", "openid", "--unconfirmed", "24h")
	p := newPhone(t)
	p.signUp(s, "Ada")
	computer := sdk(t, s.issuer)
	session := enter(t, computer, p)
	if who := name(t, session); who != "" {
		t.Errorf("a new computer learns the name %q", who)
	}
	store := new(shelf)
	if err := session.Save(store); err != nil {
		t.Fatal(err)
	}
	p.press("Your computers")
	p.see("New. It has limited access until you confirm it.")
	p.shoot("computers-new")
	p.inRow("ALICE-PC", "It's mine")
	p.see("Confirmed. It has all that you approved.")
	p.offersNone("It's mine")
	store.age(t)
	session, err := sdk(t, s.issuer).Restore(t.Context(), store) // which refreshes
	if err != nil {
		t.Fatal(err)
	}
	if who := name(t, session); who != "Ada" {
		t.Errorf("after it was confirmed the computer learns the name %q, want Ada", who)
	}
	if who := name(t, enter(t, computer, p)); who != "Ada" {
		t.Errorf("the computer's next sign-in has the name %q, want Ada: it is not new", who)
	}
}
