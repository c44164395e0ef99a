package desktop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/qrauthd/qrauthd/desktop"
	"github.com/qrauthd/qrauthd/internal/wire"
)

// exampleServer is a server for the examples, with a person who reacts as told.
func exampleServer() (issuer string, person *fake, stop func()) {
	f := newFake()
	srv := httptest.NewServer(f)
	f.issuer = srv.URL
	return f.issuer, f, srv.Close
}

// exampleClient is what the example of Client.Start makes.
func exampleClient(issuer string) *desktop.Client {
	client, err := desktop.New(desktop.Config{Issuer: issuer, ClientID: "desktop-test"})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func (f *fake) approves() { f.set(wire.StateApproved) }

// looksAtTheNumber is a person who has approved, and whose phone shows 47 now.
func (f *fake) looksAtTheNumber() { f.set(wire.StateVerifying) }

func (f *fake) denies() { f.set(wire.StateDenied) }

// opens plays the browser, and the person who approves in it.
func (f *fake) opens(link string) error {
	u, err := url.Parse(link)
	if err != nil {
		return err
	}
	q := u.Query()
	f.family.challenge, f.family.redirect = q.Get(wire.ParamCodeChallenge), q.Get(wire.ParamRedirectURI)
	answer := url.Values{wire.ParamCode: {fakeCode}, wire.ParamState: {q.Get(wire.ParamState)}, wire.ParamIssuer: {f.issuer}}
	go func() {
		if res, err := http.Get(q.Get(wire.ParamRedirectURI) + "?" + answer.Encode()); err == nil {
			res.Body.Close()
		}
	}()
	return nil
}

func ExampleNew() {
	_, err := desktop.New(desktop.Config{
		Issuer:   "https://login.acme.example",
		ClientID: "acme-studio",
		Device:   desktop.Device{Name: "ALICE-PC", AppVersion: "2.4.0"},
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_Start() {
	issuer, person, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	client, err := desktop.New(desktop.Config{Issuer: issuer, ClientID: "desktop-test"})
	if err != nil {
		log.Fatal(err)
	}
	login, err := client.Start(ctx) // when the person chooses "Sign in"
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Scan the QR code, or enter", login.Current().UserCode)
	person.approves()

	session, err := login.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	who, err := session.UserInfo(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Welcome,", who.Name)
	// Output:
	// Scan the QR code, or enter WDJB-MJHT
	// Welcome, Ada
}

func ExampleLogin_Updates() {
	issuer, person, stop := exampleServer()
	defer stop()
	client := exampleClient(issuer)
	login, err := client.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	person.approves()
	for u := range login.Updates() { // a screen draws each one
		switch u.State {
		case desktop.StateRedeemed:
			fmt.Println("signed in")
		case desktop.StateDenied, desktop.StateCancelled, desktop.StateExpired, desktop.StateFailed:
			fmt.Println(u.Err)
		}
	}
	// Output: signed in
}

func ExampleLogin_Wait() {
	issuer, person, stop := exampleServer()
	defer stop()
	client := exampleClient(issuer)
	login, err := client.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	person.denies()
	_, err = login.Wait(context.Background())
	var refused *desktop.OAuthError
	switch {
	case errors.Is(err, desktop.ErrDenied):
		fmt.Println("Denied on the phone.")
	case errors.Is(err, desktop.ErrExpired):
		fmt.Println("The code has run out.")
	case errors.Is(err, desktop.ErrOffline):
		fmt.Println("Can't reach the server.")
	case errors.As(err, &refused):
		fmt.Println("The server refused:", refused.Code)
	}
	// Output: Denied on the phone.
}

func ExampleLogin_ConfirmNumber() {
	issuer, person, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	client := exampleClient(issuer)
	login, err := client.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	person.looksAtTheNumber()
	typed := []string{"74", "47"}
	for u := range login.Updates() {
		if u.State != desktop.StateVerifying {
			continue // a screen draws it
		}
		fmt.Println("Type the number that your phone shows.")
		for errors.Is(login.ConfirmNumber(ctx, typed[0]), desktop.ErrWrongNumber) {
			fmt.Printf("That's not the number. %d tries left.\n", login.Current().TriesLeft)
			typed = typed[1:]
		}
	}
	_, err = login.Wait(ctx)
	fmt.Println(err)
	// Output:
	// Type the number that your phone shows.
	// That's not the number. 2 tries left.
	// <nil>
}

func ExampleLogin_Cancel() {
	issuer, _, stop := exampleServer()
	defer stop()
	client := exampleClient(issuer)
	login, err := client.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	login.Cancel()
	_, err = login.Wait(context.Background())
	<-login.Done() // the server knows: the program may exit
	fmt.Println(errors.Is(err, desktop.ErrCancelled))
	// Output: true
}

func ExampleClient_Restore() {
	issuer, person, stop := exampleServer()
	defer stop()
	ctx, store := context.Background(), newMemory() // an app takes keychain.System
	client := exampleClient(issuer)

	session, err := client.Restore(ctx, store)
	if errors.Is(err, desktop.ErrNoSession) {
		fmt.Println("no session yet")
		session = exampleSignIn(client, person)
		err = session.Save(store)
	}
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.Restore(ctx, store) // at the next start
	fmt.Println("silently:", err)
	// Output:
	// no session yet
	// silently: <nil>
}

func ExampleSession_Watch() {
	issuer, person, stop := exampleServer()
	defer stop()
	ctx := context.Background() // an app takes one that ends with it
	session := exampleSignIn(exampleClient(issuer), person)
	person.signsOut()
	if err := session.Watch(ctx); errors.Is(err, desktop.ErrSignedOut) {
		fmt.Println("You were signed out from your phone.") // and show the sign-in
	}
	// Output: You were signed out from your phone.
}

func ExampleSession_SignOut() {
	issuer, person, stop := exampleServer()
	defer stop()
	client := exampleClient(issuer)
	session := exampleSignIn(client, person)
	if err := session.SignOut(context.Background()); err != nil {
		fmt.Println("signed out here, but:", err)
	}
	_, err := session.Token()
	fmt.Println(err)
	// Output: this computer was signed out: sign in again
}

func ExampleSession_HTTPClient() {
	issuer, person, stop := exampleServer()
	defer stop()
	client := exampleClient(issuer)
	session := exampleSignIn(client, person)
	res, err := session.HTTPClient().Get(issuer + "/userinfo") // or the app's own server
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Println(res.Status)
	// Output: 200 OK
}

func ExampleClient_StartHere() {
	issuer, person, stop := exampleServer()
	defer stop()
	ctx := context.Background()
	client := exampleClient(issuer)

	login, err := client.StartHere(ctx)
	if err != nil {
		log.Fatal(err) // desktop.ErrNotOffered: the server signs in by phone only
	}
	if err := person.opens(login.Current().Link()); err != nil { // an app calls desktop.OpenBrowser
		fmt.Println("Open this link in a browser on this computer:", login.Current().Link())
	}
	session, err := login.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	<-login.Done()
	fmt.Println(session.IDToken() != "")
	// Output: true
}

// ExampleSession_HTTPClient_ownServer calls an API of the app's own, which may be
// on another host than the server that signed the person in.
func ExampleSession_HTTPClient_ownServer() {
	issuer, person, stop := exampleServer()
	defer stop()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		fmt.Fprintln(w, scheme, r.Header.Get("DPoP") != "") // see package resource for how to verify them
	}))
	defer api.Close()
	person.bound = true
	session := exampleSignIn(exampleClient(issuer), person)

	res, err := session.HTTPClient().Post(api.URL+"/files", "text/plain", strings.NewReader("hello"))
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(body))
	// Output: DPoP true
}

func exampleSignIn(client *desktop.Client, person *fake) *desktop.Session {
	login, err := client.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	person.approves()
	session, err := login.Wait(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	return session
}

func ExampleUpdate_QR() {
	u := desktop.Update{VerificationURIComplete: "https://login.acme.example/device?user_code=WDJB-MJHT"}
	code, err := u.QR()
	if err != nil {
		log.Fatal(err)
	}
	dark := 0
	for y := range code.Size() {
		for x := range code.Size() {
			if code.Dark(x, y) {
				dark++ // fill the square at x, y
			}
		}
	}
	fmt.Println(code.Size(), dark > 0)
	// Output: 41 true
}

func ExampleQR_Terminal() {
	code, err := desktop.NewQR("https://login.acme.example/device")
	if err != nil {
		log.Fatal(err)
	}
	drawing := code.Terminal()
	fmt.Println(len(drawing) > 0)
	// Output: true
}
