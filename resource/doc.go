// Package resource is for the API behind a desktop app (a "protected resource" in
// the words of RFC 6750): it verifies the access tokens of a qrauthd server, as
// net/http middleware or for one request at a time.
//
//	v, err := resource.New(resource.Config{
//		Issuer:   "https://login.example.com",
//		Audience: "https://files.example.com",
//	})
//	…
//	mux.Handle("GET /files", v.Require("files.read")(handler))
//
// Tokens are JWTs by RFC 9068 and are verified here, without asking the server:
// what is fetched from it is its metadata and its public keys, once in a while. A
// token that is bound to a key (RFC 9449) is worth nothing without a proof of that
// key, by whichever scheme it comes.
//
// A token that was good when it was issued stays good here until it expires, even
// if the person signs out meanwhile. Config.Introspection asks the server too, for
// whoever cannot wait for that.
//
// The package knows nothing of the server's inside. It owns no goroutine that
// outlives a request to the server.
package resource
