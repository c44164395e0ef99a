package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/server"
)

// given a file, an environment and flags, what comes out?
func resolved(t *testing.T, file string, environ []string, flags map[string]string) (config, error) {
	t.Helper()
	// A file is always named, so that one of this machine's is not read.
	path := write(t, file)
	a := &app{
		ctx: context.Background(), stdout: io.Discard, stderr: io.Discard,
		environ: append([]string{"QRAUTHD_CONFIG=" + path, "HOME=/nowhere"}, environ...), flags: flags,
	}
	return a.resolve(func(config) error { return nil })
}

// write makes a configuration file.
func write(t *testing.T, file string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "qrauthd.toml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachSourceBeatsTheOneBefore(t *testing.T) {
	for name, tc := range map[string]struct {
		file, env, flag string
		want            string
	}{
		"nothing is said":     {"", "", "", defaultListen},
		"the file":            {":1", "", "", ":1"},
		"the environment":     {":1", ":2", "", ":2"},
		"the flag":            {":1", ":2", ":3", ":3"},
		"the flag alone":      {"", "", ":3", ":3"},
		"the environment too": {"", ":2", "", ":2"},
	} {
		t.Run(name, func(t *testing.T) {
			var file string
			if tc.file != "" {
				file = "listen = '" + tc.file + "'"
			}
			flags := map[string]string{}
			if tc.flag != "" {
				flags["listen"] = tc.flag
			}
			c, err := resolved(t, file, []string{"QRAUTHD_LISTEN=" + tc.env}, flags)
			if err != nil || c.Listen != tc.want {
				t.Errorf("got %q, %v, want %q", c.Listen, err, tc.want)
			}
		})
	}
}

func TestEverySettingOfTheFile(t *testing.T) {
	c, err := resolved(t, `
listen = ":1"
issuer = "https://login.example.com"
data = "/data"
trusted_proxies = ["127.0.0.1", "10.1.2.3/8", "::1"]
registration = "open"
session_lifetime = "24h"
session_idle = "12h"
access_token_lifetime = "5m"
signing_algorithm = "EdDSA"
key_rotation = "48h"
key_file = "/key"
metrics_listen = ":2"
tls = { cert = "c", key = "k" }
[brand]
name = "Acme"
accent = "#123456"
logo = "/logo.svg"
[policy]
medium = "refuse"
high = "refuse"
require_known_device = true
networks = ["10.1.2.3/8", "192.0.2.7", "::ffff:198.51.100.0/120"]
reduced_scopes = ["openid", "profile"]
unconfirmed = "24h"
[clients.acme-studio]
medium = "passkey"
[clients."acme.kiosk"]
networks = []
reduced_scopes = []
require_known_device = false
unconfirmed = "0s"
[places]
files = ["/city.mmdb", "/asn.mmdb"]
[audit]
keep = "48h"
[webhook]
url = "https://example.com/notices"
secret = "whsec_x"
secret_file = "/secret"
events = ["*", "sign_in.denied"]
[limits]
enabled = false
starts = "1/1s"
starts_per_client = "10/1s"
starts_crowd = "11/1s"
guesses_per_account = "12/1s"
device_codes = "13/1s"
numbers = "14/1s"
guesses = "2/2s"
guesses_per_browser = "3/3s"
guesses_overall = "4/4s"
ceremonies = "5/5s"
recoveries = "6/6s"
frames = "off"
sockets = 7
session_sockets = 15
sockets_per_grant = 8
waits = 9
connections = 16
[log]
level = "debug"
format = "json"
`, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		LogLevel: slog.LevelDebug, LogFormat: "json",
		Config: server.Config{
			Issuer: "https://login.example.com", Listen: ":1", MetricsListen: ":2", DataDir: "/data",
			TLS:                 server.TLS{CertFile: "c", KeyFile: "k"},
			TrustedProxies:      c.TrustedProxies,
			Registration:        server.RegistrationOpen,
			SessionLifetime:     24 * time.Hour,
			SessionIdle:         12 * time.Hour,
			AccessTokenLifetime: 5 * time.Minute,
			SigningAlgorithm:    server.SigningEdDSA,
			KeyRotation:         48 * time.Hour,
			KeyFile:             "/key",
			Brand:               server.Brand{Name: "Acme", Accent: "#123456", Logo: "/logo.svg"},
			Policies: auth.Policies{
				Everybody: auth.PolicyChange{
					Medium: new(auth.DemandRefuse), High: new(auth.DemandRefuse), RequireKnownDevice: new(true),
					Networks: new([]netip.Prefix{
						netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32"), netip.MustParsePrefix("198.51.100.0/24"),
					}),
					ReducedScopes: new(auth.Scopes{"openid", "profile"}), Unconfirmed: new(24 * time.Hour),
				},
				Clients: map[auth.ClientID]auth.PolicyChange{
					"acme-studio": {Medium: new(auth.DemandPasskey)},
					"acme.kiosk": {
						RequireKnownDevice: new(false), Networks: new([]netip.Prefix{}), ReducedScopes: new(auth.Scopes{}),
						Unconfirmed: new(time.Duration(0)),
					},
				},
			},
			Places:    []string{"/city.mmdb", "/asn.mmdb"},
			AuditKeep: 48 * time.Hour,
			Webhook: server.Webhook{
				URL: "https://example.com/notices", Secret: "whsec_x", SecretFile: "/secret", Events: []string{"*", "sign_in.denied"},
			},
			Limits: server.Limits{
				StartsPerClient: server.Rate{Count: 10, Per: time.Second}, StartsCrowd: server.Rate{Count: 11, Per: time.Second},
				GuessesPerAccount: server.Rate{Count: 12, Per: time.Second}, DeviceCodes: server.Rate{Count: 13, Per: time.Second},
				Numbers: server.Rate{Count: 14, Per: time.Second},
				Off:     true, Starts: server.Rate{Count: 1, Per: time.Second}, Guesses: server.Rate{Count: 2, Per: 2 * time.Second},
				GuessesPerBrowser: server.Rate{Count: 3, Per: 3 * time.Second}, GuessesOverall: server.Rate{Count: 4, Per: 4 * time.Second},
				Ceremonies: server.Rate{Count: 5, Per: 5 * time.Second}, Recoveries: server.Rate{Count: 6, Per: 6 * time.Second},
				Sockets: 7, SessionSockets: 15, SocketsPerGrant: 8, Waits: 9, Connections: 16,
			},
		},
	}
	if diff := cmp.Diff(want, c, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	var proxies []string
	for _, p := range c.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	if got, want := strings.Join(proxies, " "), "127.0.0.1/32 10.0.0.0/8 ::1/128"; got != want {
		t.Errorf("trusted proxies: got %s, want %s", got, want)
	}
}

// Each setting of a policy is somebody's: the client's own record's, else its table's,
// else the variable's for everybody, else [policy]'s, else the default's.
func TestWhoHasTheLastWordOnAPolicy(t *testing.T) {
	c, err := resolved(t, `
[policy]
medium = "refuse"
high = "number"
reduced_scopes = ["openid"]
networks = ["10.0.0.0/8"]
[clients.acme]
medium = "passkey"
networks = []
`, []string{"QRAUTHD_POLICY_HIGH=refuse", "QRAUTHD_POLICY_UNCONFIRMED=1h"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ten := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		client auth.Client
		want   auth.Policy
	}{
		"of a client of which nothing is said": {
			auth.Client{ID: "other"},
			auth.Policy{Medium: auth.DemandRefuse, High: auth.DemandRefuse, Networks: ten, ReducedScopes: auth.Scopes{"openid"}, Unconfirmed: time.Hour},
		},
		"of a client that has a table": {
			auth.Client{ID: "acme"},
			auth.Policy{
				Medium: auth.DemandPasskey, High: auth.DemandRefuse, Networks: []netip.Prefix{}, ReducedScopes: auth.Scopes{"openid"}, Unconfirmed: time.Hour,
			},
		},
		"of a client whose record says some of it": {
			auth.Client{ID: "acme", Policy: auth.PolicyChange{Medium: new(auth.DemandNumber), Unconfirmed: new(time.Duration(0)), Networks: &ten}},
			auth.Policy{Medium: auth.DemandNumber, High: auth.DemandRefuse, Networks: ten, ReducedScopes: auth.Scopes{"openid"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			diff := cmp.Diff(tc.want, c.Policies.Of(tc.client), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
			if diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsOfTheSources(t *testing.T) {
	for name, tc := range map[string]struct {
		file    string
		environ string
		flags   map[string]string
		want    []string
	}{
		"a key that is misspelt": {
			file: "# a comment\n\nisuer = 'x'", want: []string{"qrauthd.toml:3: key isuer is not known: did you mean issuer?"},
		},
		"a key of a table": {
			file: "[limits]\nstarts = '1/1s'\nguesess = '1/1s'",
			want: []string{"qrauthd.toml:3: key limits.guesess is not known: did you mean limits.guesses?"},
		},
		"a key that belongs to a table": {
			file: "[tls]\n[brand]\nname = 'x'\ncert = 'y'", want: []string{"qrauthd.toml:4: key brand.cert is not known"},
		},
		"a table, once and not for each of its keys": {
			file: "[limit]\nstarts = '1/1s'\nframes = 'off'",
			want: []string{"qrauthd.toml:1: table [limit] is not known: did you mean limits?"},
		},
		"a list of tables":      {file: "[[servers]]\nlisten = ':1'", want: []string{"qrauthd.toml:1: table [servers] is not known"}},
		"a table for a setting": {file: "[listen]\nport = 1", want: []string{"qrauthd.toml:1: listen: wants a string"}},
		"a number with a point": {file: "session_lifetime = 1.5", want: []string{"qrauthd.toml:1: session_lifetime: wants a string"}},
		"a list of numbers":     {file: "trusted_proxies = [1]", want: []string{"wants a list of strings"}},
		"the demo in the file":  {file: "demo = true", want: []string{"key demo is not known"}},
		"a policy that is misspelt": {
			file: "[policy]\nmeduim = 'number'", want: []string{"qrauthd.toml:2: key policy.meduim is not known: did you mean policy.medium?"},
		},
		"a client's policy that is misspelt": {
			file: "[clients.acme]\nhigh = 'number'\nmeduim = 'number'",
			want: []string{"qrauthd.toml:3: key clients.acme.meduim is not known: did you mean clients.acme.medium?"},
		},
		"a client with a dot that has no quotes": {
			file: "[clients.acme.studio]\nmedium = 'number'",
			want: []string{`qrauthd.toml:1: table [clients.acme.studio] is not known: write a client ID with a dot in it in quotes, as in [clients."acme.studio"]`},
		},
		"a client in quotes with a policy that is misspelt": {
			file: "[clients.\"acme.studio\"]\nhihg = 'number'",
			want: []string{`qrauthd.toml:2: key clients."acme.studio".hihg is not known: did you mean clients."acme.studio".high?`},
		},
		"a policy of no client": {
			file: "[clients]\nmedium = 'number'", want: []string{"qrauthd.toml:2: clients.medium: wants tables, one for each client, as in [clients.CLIENT_ID]"},
		},
		"a word for clients": {file: "clients = 'all'", want: []string{"qrauthd.toml:1: clients: wants tables"}},
		"a list of clients": {
			file: "[[clients]]\nid = 'acme'", want: []string{"qrauthd.toml:1: clients: wants tables"},
		},
		"a list of one client's policies": {
			file: "[[clients.acme]]\nmedium = 'number'", want: []string{"qrauthd.toml:1: clients.acme: wants tables"},
		},
		"a client's table, misspelt": {
			file: "[client.acme]\nmedium = 'number'", want: []string{"qrauthd.toml:1: table [client.acme] is not known: did you mean clients.acme?"},
		},
		"a client's policy for everybody's table": {
			file: "[clients.acme.policy]\nmedium = 'number'", want: []string{"qrauthd.toml:1: table [clients.acme.policy] is not known"},
		},
		"values of policies that mean nothing": {
			file:    "[policy]\nnetworks = ['here', '192.0.2.1', 'there']\nunconfirmed = 'soon'\n[clients.acme]\nrequire_known_device = 'maybe'",
			environ: "QRAUTHD_POLICY_UNCONFIRMED=later",
			want: []string{
				`qrauthd.toml:2: policy.networks: "here" is neither`, `qrauthd.toml:2: policy.networks: "there" is neither`,
				`qrauthd.toml:3: policy.unconfirmed: "soon" is not a duration`, `qrauthd.toml:5: clients.acme.require_known_device: "maybe" is neither`,
				`QRAUTHD_POLICY_UNCONFIRMED: "later" is not a duration`,
			},
		},
		"a variable for one client": {
			environ: "QRAUTHD_CLIENTS_ACME_MEDIUM=number", want: []string{"variable QRAUTHD_CLIENTS_ACME_MEDIUM is not known"},
		},
		"no TOML":     {file: "listen = ':1'\nissuer", want: []string{"cannot be read", "qrauthd.toml:2"}},
		"a key twice": {file: "listen = ':1'\nlisten = ':2'", want: []string{"cannot be read", "qrauthd.toml:2"}},
		"a variable that is misspelt": {
			environ: "QRAUTHD_LISEN=:1", want: []string{"variable QRAUTHD_LISEN is not known: did you mean QRAUTHD_LISTEN?"},
		},
		"values that mean nothing, one from each source": {
			file:    "session_lifetime = 'soon'",
			environ: "QRAUTHD_LIMITS_SOCKETS=many",
			flags:   map[string]string{"log-level": "loud", "trusted-proxy": "here", "limits": "maybe", "log-format": "xml"},
			want: []string{
				`qrauthd.toml:1: session_lifetime: "soon" is not a duration`, `QRAUTHD_LIMITS_SOCKETS: "many" is not a whole number`,
				`--log-level: "loud" is not a level`, `--trusted-proxy: "here" is neither`, `--limits: "maybe" is neither`, `--log-format: "xml"`,
			},
		},
		"each of the proxies that mean nothing": {
			flags: map[string]string{"trusted-proxy": "here,127.0.0.1,there"},
			want:  []string{`--trusted-proxy: "here" is neither`, `--trusted-proxy: "there" is neither`},
		},
		"a value that another source beats is checked too": {
			file: "[log]\nlevel = 'loud'", flags: map[string]string{"log-level": "info"}, want: []string{"qrauthd.toml:2: log.level"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := resolved(t, tc.file, []string{tc.environ}, tc.flags)
			var config *server.ConfigError
			if !errors.As(err, &config) {
				t.Fatalf("got %v, want a *ConfigError", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no fault with %q in:\n%v", want, err)
				}
			}
			if got := strings.Count(err.Error(), "\n") + 1; got > len(tc.want) {
				t.Errorf("got %d faults, want %d at most:\n%v", got, len(tc.want), err)
			}
		})
	}
}

func TestAProxyThatIsEverybodyIsReportedBesideOneThatMeansNothing(t *testing.T) {
	const proxies = "0.0.0.0/0,foo,::/0"
	for from, a := range map[string]*app{
		"the flag":        {flags: map[string]string{"trusted-proxy": proxies}},
		"the environment": {environ: []string{"QRAUTHD_TRUSTED_PROXIES=" + proxies}},
		"the file":        {flags: map[string]string{"config": write(t, `trusted_proxies = ["0.0.0.0/0", "foo", "::/0"]`)}},
	} {
		t.Run(from, func(t *testing.T) {
			_, err := a.resolve(func(c config) error { return c.Validate() })
			for _, want := range []string{"0.0.0.0/0, which trusts everybody", "::/0, which trusts everybody", `"foo" is neither`} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("no fault with %q in:\n%v", want, err)
				}
			}
		})
	}
}

func TestADemoReadsNoConfigurationByItself(t *testing.T) {
	a := &app{ctx: context.Background(), flags: map[string]string{"demo": "true", "data": "d"}}
	c, err := a.resolve(func(c config) error { return c.Validate() })
	if err != nil || !c.Demo || c.Registration != server.RegistrationOpen || c.Listen != defaultListen {
		t.Errorf("got %+v, %v, want a demo's defaults", c, err)
	}
}

func TestADemoCanBeClosed(t *testing.T) {
	a := &app{flags: map[string]string{"demo": "true", "data": "d", "registration": "invite"}}
	c, err := a.resolve(func(c config) error { return c.Validate() })
	if err != nil || c.Registration != server.RegistrationInvite {
		t.Errorf("got %q, %v, want invite", c.Registration, err)
	}
}

// What the help calls a default is what holds when nothing is said.
func TestTheDefaultsInTheHelpAreTrue(t *testing.T) {
	base := defaults(false)
	for _, s := range settings() {
		if s.note == "" || s.key == "" || s.note == "none" {
			continue
		}
		text, _, _ := strings.Cut(s.note, ";")
		c := defaults(false)
		if err := s.set(&c, text); err != nil {
			t.Errorf("%s: the default %q is not valid: %v", s.key, text, err)
		}
		if diff := cmp.Diff(base, c); diff != "" {
			t.Errorf("%s: the default is not %q:\n%s", s.key, text, diff)
		}
	}
}

func TestEachSettingHasNamesOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settings() {
		for _, name := range []string{s.key, s.env, "--" + s.flag} {
			if seen[name] {
				t.Errorf("two settings are called %s", name)
			}
			seen[name] = name != "" && name != "--"
		}
		if !strings.HasPrefix(s.env, envPrefix) {
			t.Errorf("setting %q has the variable %q", s.key, s.env)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "issuer", "trusted_proxies"}
	for word, want := range map[string]string{
		"lisen": "listen", "Issuer": "issuer", "trusted_proxy": "trusted_proxies", "zzzzzzzz": "", "": "",
	} {
		if got, ok := nearest(word, known); got != want || ok != (want != "") {
			t.Errorf("nearest(%q) = %q, %t, want %q", word, got, ok, want)
		}
	}
}

// The example that is shipped parses, and says what the defaults are.
func TestTheExampleConfigurationIsValid(t *testing.T) {
	text, err := os.ReadFile("../../deploy/qrauthd.toml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := resolved(t, string(text), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Errorf("as it is: %v", err)
	}
	// With every setting that it only mentions.
	var all strings.Builder
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") {
			line = rest
		}
		all.WriteString(line)
	}
	if c, err = resolved(t, all.String(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if c.Limits != server.DefaultLimits() {
		t.Errorf("limits: got %+v, want the defaults", c.Limits)
	}
	for _, s := range settings() {
		if name := s.key[strings.LastIndex(s.key, ".")+1:]; name != "" && !strings.Contains(all.String(), "\n"+name+" = ") {
			t.Errorf("the example does not mention %s", s.key)
		}
	}
}
