package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// chromium is one browser for all tests, started by the first that needs it.
var chromium struct {
	once  sync.Once
	ctx   context.Context
	close context.CancelFunc
	err   error
}

func browser(t *testing.T) context.Context {
	t.Helper()
	chromium.once.Do(func() {
		path, err := exec.LookPath("chromium")
		if err != nil {
			chromium.err = fmt.Errorf("a browser is needed (`make deps` installs it): %w", err)
			return
		}
		allocator, stop := chromedp.NewExecAllocator(context.Background(),
			chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Headless, chromedp.DisableGPU,
			chromedp.Flag("hide-scrollbars", true),
			chromedp.Flag("disable-background-networking", true),
			chromedp.Flag("disable-component-update", true),
			chromedp.Flag("disable-sync", true))
		ctx, cancel := chromedp.NewContext(allocator)
		chromium.ctx = ctx
		chromium.close = func() { cancel(); stop() }
		chromium.err = chromedp.Do(ctx, chromedp.Navigate("about:blank"))
	})
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return chromium.ctx
}

func closeBrowser() {
	if chromium.close != nil {
		chromium.close()
	}
}

// phone is a browser of its own (cookies, storage) with a screen of a phone's
// size and an authenticator that has a fingerprint sensor.
type phone struct {
	t             *testing.T
	ctx           context.Context
	authenticator webauthn.AuthenticatorID
}

func newPhone(t *testing.T) *phone {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	p := &phone{t: t, ctx: ctx}
	p.must(chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	p.watch()
	p.screen(390, 844)
	p.theme("light")
	call(p, webauthn.Enable, webauthn.EnableParams{})
	p.newAuthenticator()
	return p
}

// in is the same phone, of which a part of the test makes use.
func (p *phone) in(t *testing.T) *phone {
	same := *p
	same.t = t
	return &same
}

// screen has the size of the page in CSS pixels.
func (p *phone) screen(width, height int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 2, Mobile: true,
	})
}

// newAuthenticator takes the place of the one that the phone has.
func (p *phone) newAuthenticator() {
	p.t.Helper()
	if p.authenticator != "" {
		call(p, webauthn.RemoveVirtualAuthenticator, webauthn.RemoveVirtualAuthenticatorParams{AuthenticatorID: p.authenticator})
	}
	p.authenticator = call(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: "ctap2", Transport: "internal", HasResidentKey: true,
			HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	}).AuthenticatorID
}

func (p *phone) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func call[P, R any](p *phone, cmd cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	r, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		p.t.Fatalf("%s: %v", cmd.Method, err)
	}
	return r
}

// watch fails the test for what a page does wrong unseen: an exception of its
// script, or what the Content-Security-Policy had to stop.
func (p *phone) watch() {
	p.must(chromedp.Listen(p.ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			p.t.Errorf("the page's script threw: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				p.t.Errorf("the page broke its own policy: %s", e.Entry.Text)
			}
		}
	}))
	call(p, log.Enable, cdp.Empty{})
	call(p, runtime.Enable, cdp.Empty{})
}

func (p *phone) theme(scheme string) {
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// from puts the phone at an address, which a server behind a trusted proxy believes.
func (p *phone) from(address string) {
	p.t.Helper()
	call(p, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"X-Forwarded-For": address},
	})
}

// open goes to an address, as a scan does. A page that moves on by itself at that
// moment gets in the way.
func (p *phone) open(address string) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	p.must(chromedp.Do(ctx, chromedp.Navigate(address)))
}

// eval evaluates an expression; ok is false while a page is being left.
func eval[T any](p *phone, expression string) (value T, ok bool) {
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return v, err == nil
}

// text is what a person reads on the page now.
func (p *phone) text() string {
	s, _ := eval[string](p, `document.title + "\n" + document.body.innerText`)
	return s
}

// see waits until the page says it.
func (p *phone) see(what string) {
	p.t.Helper()
	var seen string
	defer func() {
		if p.t.Failed() && !strings.Contains(seen, what) {
			p.t.Logf("instead of %q the page says:\n%s", what, seen)
		}
	}()
	until(p.t, "the page says "+what, func() bool {
		seen = p.text()
		return strings.Contains(strings.ReplaceAll(seen, "\u2019", "'"), what)
	})
}

// press presses the button, or follows the link, of that accessible name once it
// is there and enabled.
func (p *phone) press(name string) {
	p.t.Helper()
	until(p.t, "there is a button or link "+name, func() bool {
		return p.on(name, []string{"button", "link"}, `function() {
			if (this.disabled || !this.checkVisibility()) return false;
			this.click();
			return true;
		}`)
	})
}

// has reports whether the page offers the button or link now.
func (p *phone) has(name string) bool {
	return p.on(name, []string{"button", "link"}, `function() { return this.checkVisibility() }`)
}

// offers waits until the page offers the button or link.
func (p *phone) offers(name string) {
	p.t.Helper()
	until(p.t, "the page offers "+name, func() bool { return p.has(name) })
}

// fill types into the field of that accessible name.
func (p *phone) fill(name, value string) {
	p.t.Helper()
	quoted, err := json.Marshal(value)
	p.must(err)
	until(p.t, "there is a field "+name, func() bool {
		return p.on(name, []string{"textbox"}, `function() {
			if (!this.checkVisibility()) return false;
			this.focus();
			this.select();
			return document.execCommand("insertText", false, `+string(quoted)+`);
		}`)
	})
}

// on calls a function on the first element of the accessible name and one of the
// roles for which it returns true, as assistive technology would find it.
func (p *phone) on(name string, roles []string, function string) bool {
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	root, err := chromedp.Call(ctx, dom.GetDocument, dom.GetDocumentParams{})
	if err != nil {
		return false
	}
	for _, role := range roles {
		found, err := chromedp.Call(ctx, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
			NodeID: root.Root.NodeID, AccessibleName: name, Role: role,
		})
		if err != nil {
			return false
		}
		for _, node := range found.Nodes {
			if node.Ignored {
				continue
			}
			resolved, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: node.BackendDOMNodeID})
			if err != nil {
				continue
			}
			result, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
				FunctionDeclaration: function, ObjectID: resolved.Object.ObjectID,
				ReturnByValue: new(true), UserGesture: new(true),
			})
			if err == nil && result.Result != nil && string(result.Result.Value) == "true" {
				return true
			}
		}
	}
	return false
}

// withoutWebAuthn makes the browser one that lives inside another app.
func (p *phone) withoutWebAuthn() {
	call(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: "delete window.PublicKeyCredential; delete Navigator.prototype.credentials",
	})
}

// withoutScript turns JavaScript off.
func (p *phone) withoutScript() {
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// passkeys is how many the authenticator holds.
func (p *phone) passkeys() int {
	return len(call(p, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: p.authenticator}).Credentials)
}

// join creates a passkey on the page that asks for a name.
func (p *phone) join(name string) {
	p.t.Helper()
	p.press("Create your passkey")
	p.fill("Name", name)
	p.press("Create passkey")
}

// signUp makes an account without a sign-in that waits.
func (p *phone) signUp(s *server, name string) {
	p.t.Helper()
	p.open(s.issuer + "/join")
	p.fill("Name", name)
	p.press("Create passkey")
	p.see("recovery codes")
}

// approve opens the link of a sign-in on a phone that was never here, creates a
// passkey and approves.
func (p *phone) approve(link string) {
	p.t.Helper()
	p.open(link)
	p.join("Ada")
	p.press("Approve")
}

// shoot takes a picture of the page in both themes, where the run collects them.
// With or without, it checks what a picture would show.
func (p *phone) shoot(name string) {
	p.t.Helper()
	p.canBeTouched()
	p.fitsLargeText()
	dir := os.Getenv("E2E_SCREENSHOTS")
	if dir == "" {
		return
	}
	p.unroll()
	defer p.screen(390, 844)
	for _, scheme := range []string{"dark", "light"} {
		p.theme(scheme)
		ctx, stop := context.WithTimeout(p.ctx, patience)
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		stop()
		p.must(err)
		p.must(os.MkdirAll(dir, 0o755))
		p.must(os.WriteFile(filepath.Join(dir, "phone-"+name+"-"+scheme+".png"), png, 0o644))
	}
}

// unroll makes the screen as high as the page, so that no bar at its bottom lies
// across the picture.
func (p *phone) unroll() {
	p.t.Helper()
	height, ok := eval[int64](p, "Math.max(844, document.documentElement.scrollHeight)")
	if !ok {
		p.t.Error("the page has no height")
	}
	p.screen(390, height)
}

func back(p *phone) error {
	ctx, stop := context.WithTimeout(p.ctx, patience)
	defer stop()
	return chromedp.Do(ctx, chromedp.NavigateBack())
}
