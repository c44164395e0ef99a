package main

import (
	"context"
	"fmt"

	"github.com/qrauthd/qrauthd/server"
)

type serveCommand struct {
	Config              string   `placeholder:"FILE" help:"Read settings from this TOML file."`
	Listen              string   `placeholder:"ADDR" help:"Address to serve on. Port 0 takes a free one."`
	Issuer              string   `placeholder:"URL" help:"Address under which desktops and phones reach the server: https and a host name (http for localhost only), a path if you like, no slash at the end."`
	Data                string   `placeholder:"DIR" help:"Folder of the database. It is made if need be."`
	Demo                bool     `help:"Run without configuration: issuer http://localhost:PORT, a client desktop-demo, an account for anybody who can reach it, data in your cache folder."`
	TLSCert             string   `name:"tls-cert" placeholder:"FILE" help:"TLS certificate chain in PEM form. A new one is picked up by itself."`
	TLSKey              string   `name:"tls-key" placeholder:"FILE" help:"Its private key."`
	TrustedProxy        []string `placeholder:"ADDR" help:"Address or network of a proxy in front, whose X-Forwarded-For and Forwarded headers count. May be repeated."`
	Registration        string   `placeholder:"invite|open" help:"Who may make an account: who has an invitation, or anybody."`
	SessionLifetime     string   `placeholder:"DURATION" help:"How long a desktop stays signed in at most."`
	SessionIdle         string   `placeholder:"DURATION" help:"How long a desktop stays signed in that is not heard of."`
	AccessTokenLifetime string   `placeholder:"DURATION" help:"How long an access token is good; desktops fetch the next by themselves."`
	SigningAlgorithm    string   `placeholder:"ES256|EdDSA|RS256" help:"What new keys sign tokens with."`
	KeyRotation         string   `placeholder:"DURATION" help:"Age at which a signing key is replaced."`
	KeyFile             string   `placeholder:"FILE" help:"File with a secret by which the keys in the database are encrypted."`
	Places              []string `placeholder:"FILE" help:"MMDB file that tells where addresses are, such as GeoLite2-City.mmdb. A new one is picked up by itself. May be repeated."`
	AuditKeep           string   `placeholder:"DURATION" help:"Age at which the audit log forgets whom a record is about; 0s: never."`
	Limits              string   `placeholder:"on|off" help:"Budgets and rate limits. Off is for load tests."`
	MetricsListen       string   `placeholder:"ADDR" help:"Address to serve /metrics on, for Prometheus."`
	LogLevel            string   `placeholder:"LEVEL" help:"What to log: debug, info, warn or error."`
	LogFormat           string   `placeholder:"text|json" help:"Form of the log, which goes to standard error."`
	Profile             string   `placeholder:"DIR" help:"For who develops qrauthd: leave files for go tool pprof in this folder, cpu.pprof of the whole run, heap.pprof and goroutine.pprof of its end."`
}

// Help is the part below the flags.
func (serveCommand) Help() string {
	return `When it can serve it prints one line on standard output: "ready" and the issuer. It stops on SIGTERM or Ctrl-C.

Examples:

    qrauthd serve --demo
    qrauthd serve --config /etc/qrauthd/qrauthd.toml
    qrauthd serve --issuer https://login.example.com --data /var/lib/qrauthd --trusted-proxy 127.0.0.1

The file has the same settings, and those of [brand], [policy], [clients.CLIENT_ID], [webhook] and [limits] besides. A
key or a QRAUTHD_* variable that is not known is an error.`
}

// Run serves until a signal comes.
func (s serveCommand) Run(a *app) error {
	c, err := a.resolve(func(c config) error { return c.Validate() })
	if err != nil {
		return err
	}
	paceCollector(a.environ)
	return profiled(a.ctx, s.Profile, func(ctx context.Context) error { return a.serve(ctx, c) })
}

// serve runs a server until ctx ends.
func (a *app) serve(ctx context.Context, c config) error {
	log, flush := newLog(a.stderr, c)
	defer flush()
	s, err := server.New(ctx, c.Config, server.Options{Log: log})
	if err != nil {
		return err
	}
	return s.Run(ctx, func(issuer string) { fmt.Fprintf(a.stdout, "ready %s\n", issuer) })
}
