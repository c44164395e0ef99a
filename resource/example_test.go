package resource_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/qrauthd/qrauthd/resource"
)

func ExampleVerifier_Require() {
	login, token := exampleServer("openid files.read")
	v, err := resource.New(resource.Config{
		Issuer:     "https://login.example.com",
		Audience:   "https://files.example.com",
		HTTPClient: login, // stands for the network here
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /files", v.Require("files.read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := resource.From(r.Context())
		fmt.Fprintf(w, "files of %s, by %s", caller.Subject, caller.ClientID)
	})))
	mux.Handle("DELETE /files", v.Require("files.write")(http.NotFoundHandler()))

	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(method, "/files", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		mux.ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		fmt.Println(w.Code, string(text))
	}
	// Output:
	// 200 files of user-1, by acme-studio
	// 403 Forbidden: the token lacks a scope that this needs
}

// Verify is for routers and protocols with middleware of their own.
func ExampleVerifier_Verify() {
	login, token := exampleServer("openid")
	v, err := resource.New(resource.Config{
		Issuer:     "https://login.example.com",
		Audience:   "https://files.example.com",
		HTTPClient: login,
	})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/files", nil)
	r.Header.Set("Authorization", "Bearer "+token+"x")
	_, err = v.Verify(r)
	var refused *resource.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code)
		fmt.Println(len(refused.Header["Www-Authenticate"]), "challenges")
	}
	// Output:
	// 401 invalid_token
	// 2 challenges
}

// exampleServer is the way to a server, and a token that it has given to an app.
func exampleServer(scope string) (*http.Client, string) {
	key := newES256("example")
	token := key.token(good(time.Now()).with(claims{"scope": scope}))
	return &http.Client{Transport: newIssuer(key)}, token
}
