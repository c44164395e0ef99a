// Package server is qrauthd as a part that can be embedded: a Config goes in, a
// Server comes out that either hands over its Handler or runs by itself.
//
//	cfg := server.Config{Issuer: "https://login.example.com", Listen: ":8443", DataDir: "/var/lib/qrauthd"}
//	s, err := server.New(ctx, cfg, server.Options{})
//	…
//	err = s.Run(ctx, func(issuer string) { fmt.Println("ready", issuer) })
//
// It owns assembly and lifecycle: it opens the database, builds the use cases
// and the two faces over them, listens, prunes, and stops in order (sockets are
// told to come back, requests in flight end, the database closes last). What
// the endpoints say is decided in server/oauth and server/phone.
package server
