// Command filesapi is an API behind a desktop app, whole: it serves GET /files to
// whoever brings a token of a qrauthd server for it with the scope files.read.
//
//	filesapi -issuer https://login.example.com -audience https://files.example.com
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/qrauthd/qrauthd/resource"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("filesapi", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	issuer := flag.String("issuer", "http://localhost:8080", "the qrauthd server's URL")
	audience := flag.String("audience", "http://localhost:9090", "this API's name in tokens: the --resource of the app")
	base := flag.String("base-url", "", "the URL under which apps know this API (default: that of the audience)")
	listen := flag.String("listen", "localhost:9090", "where to listen")
	requireDPoP := flag.Bool("require-dpop", false, "take only tokens that are bound to a key")
	flag.Parse()

	cfg := resource.Config{
		Issuer: *issuer, Audience: *audience, BaseURL: *base, RequireDPoP: *requireDPoP, Logger: slog.Default(),
	}
	// With a client that may introspect, a sign-out counts within seconds.
	if id := os.Getenv("FILESAPI_CLIENT_ID"); id != "" {
		cfg.Introspection = &resource.Introspection{ClientID: id, ClientSecret: os.Getenv("FILESAPI_CLIENT_SECRET")}
	}
	v, err := resource.New(cfg)
	if err != nil {
		return err
	}
	if err := v.Ready(ctx); err != nil {
		slog.Warn("not ready yet", "error", err) // it is tried again with each request
	}
	srv := &http.Server{Addr: *listen, Handler: routes(v), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	slog.Info("listening", "on", *listen, "trusts", *issuer, "for", *audience)
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func routes(v *resource.Verifier) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /files", v.Require("files.read")(http.HandlerFunc(files)))
	return mux
}

// files lists the caller's files, and tells whom it trusts.
func files(w http.ResponseWriter, r *http.Request) {
	caller, _ := resource.From(r.Context())
	slog.Info("files", "person", caller.Subject, "app", caller.ClientID, "session", caller.SessionID,
		"bound", caller.KeyThumbprint != "", "expires", caller.ExpiresAt)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"of": caller.Subject, "files": []string{"report.odt", "holiday.jpg"},
	})
}
