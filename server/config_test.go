package server

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func validConfig() Config {
	c := DefaultConfig()
	c.Issuer = "https://login.example.com"
	c.Listen = "127.0.0.1:8080"
	c.DataDir = "data"
	return c
}

func TestValidate(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(notPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Config)
		want   string // a part of the fault; empty: none
	}{
		"all is well":                                  {func(*Config) {}, ""},
		"a demo needs no issuer":                       {func(c *Config) { c.Demo, c.Issuer = true, "" }, ""},
		"a demo that does not listen does":             {func(c *Config) { c.Demo, c.Issuer, c.Listen = true, "", "" }, "issuer is not set"},
		"embedded, nothing listens":                    {func(c *Config) { c.Listen = "" }, ""},
		"no issuer":                                    {func(c *Config) { c.Issuer = "" }, "issuer is not set"},
		"an http issuer with TLS":                      {func(c *Config) { c.Issuer = "http://localhost:1"; c.TLS = TLS{notPEM, notPEM} }, "use https"},
		"an address without a port":                    {func(c *Config) { c.Listen = "localhost" }, "listen"},
		"an address with a word for a port":            {func(c *Config) { c.Listen = "localhost:web" }, "listen"},
		"a port beyond 65535":                          {func(c *Config) { c.Listen = ":65536" }, "listen"},
		"metrics on the service's own port":            {func(c *Config) { c.MetricsListen = c.Listen }, "metrics_listen"},
		"no data folder":                               {func(c *Config) { c.DataDir = "" }, "data is not set"},
		"a certificate without a key":                  {func(c *Config) { c.TLS.CertFile = notPEM }, "both"},
		"a certificate that is none":                   {func(c *Config) { c.TLS = TLS{notPEM, notPEM} }, "cannot use certificate"},
		"a proxy that is everybody":                    {func(c *Config) { c.TrustedProxies = prefixes("0.0.0.0/0") }, "trusts everybody"},
		"a proxy that is nobody":                       {func(c *Config) { c.TrustedProxies = []netip.Prefix{{}} }, "trusted_proxies"},
		"an unknown registration":                      {func(c *Config) { c.Registration = "closed" }, "registration"},
		"sessions of a second":                         {func(c *Config) { c.SessionLifetime = time.Second }, "session_lifetime"},
		"sessions of two years":                        {func(c *Config) { c.SessionLifetime = 2 * MaxSessionLifetime }, "session_lifetime"},
		"access tokens of a second":                    {func(c *Config) { c.AccessTokenLifetime = time.Second }, "access_token_lifetime"},
		"access tokens of a day":                       {func(c *Config) { c.AccessTokenLifetime = 24 * time.Hour }, "access_token_lifetime"},
		"an idle minute":                               {func(c *Config) { c.SessionIdle = time.Minute }, "session_idle"},
		"an idle year and more":                        {func(c *Config) { c.SessionIdle = 2 * MaxSessionIdle }, "session_idle"},
		"idle longer than there is time":               {func(c *Config) { c.SessionIdle = c.SessionLifetime + time.Hour }, "longer than session_lifetime"},
		"sessions of a day, and the default idle time": {func(c *Config) { c.SessionLifetime = 24 * time.Hour }, ""},
		"idle no longer than an access token": {
			func(c *Config) { c.SessionIdle, c.AccessTokenLifetime = 10*time.Minute, 10*time.Minute }, "not longer than access_token_lifetime",
		},
		"an unknown signature":                {func(c *Config) { c.SigningAlgorithm = "HS256" }, "signing_algorithm"},
		"Ed25519":                             {func(c *Config) { c.SigningAlgorithm = SigningEdDSA }, ""},
		"a key an hour":                       {func(c *Config) { c.KeyRotation = time.Hour }, "key_rotation"},
		"a key for ever":                      {func(c *Config) { c.KeyRotation = 2 * MaxKeyRotation }, "key_rotation"},
		"an accent that is a word":            {func(c *Config) { c.Brand.Accent = "red" }, "brand"},
		"a logo from elsewhere":               {func(c *Config) { c.Brand.Logo = "https://example.com/x.png" }, "brand"},
		"words for a scope":                   {func(c *Config) { c.ScopeWords = map[string]string{"files.read": "read your files"} }, ""},
		"words for no scope":                  {func(c *Config) { c.ScopeWords = map[string]string{"files read": "read your files"} }, "no scope"},
		"a scope without words":               {func(c *Config) { c.ScopeWords = map[string]string{"files.read": " "} }, "scope_words"},
		"a scope with two lines":              {func(c *Config) { c.ScopeWords = map[string]string{"files.read": "read\nfiles"} }, "scope_words"},
		"a rate without a time":               {func(c *Config) { c.Limits.Starts = Rate{Count: 1} }, "limits.starts"},
		"a negative count of sockets":         {func(c *Config) { c.Limits.SocketsPerGrant = -1 }, "limits.sockets_per_grant"},
		"fewer sockets of sessions than none": {func(c *Config) { c.Limits.SessionSockets = -1 }, "limits.session_sockets"},
		"any number of sockets of sessions":   {func(c *Config) { c.Limits.SessionSockets = 0 }, ""},
		"an audit log that forgets nothing":   {func(c *Config) { c.AuditKeep = 0 }, ""},
		"an audit log of an hour":             {func(c *Config) { c.AuditKeep = time.Hour }, "audit.keep"},
		"an audit log of less than nothing":   {func(c *Config) { c.AuditKeep = -time.Hour }, "audit.keep"},
		"a file of places":                    {func(c *Config) { c.Places = []string{notPEM} }, ""}, // what is in it is seen when it is opened
		"a file of places that is missing":    {func(c *Config) { c.Places = []string{"/nowhere/x.mmdb"} }, "places.files: stat /nowhere/x.mmdb"},
		"a folder of places":                  {func(c *Config) { c.Places = []string{"/"} }, "places.files: / is no file"},
		"a file of places twice":              {func(c *Config) { c.Places = []string{notPEM, notPEM} }, "twice"},
		"a file of places without a name":     {func(c *Config) { c.Places = []string{""} }, "places.files has an empty name"},
		"a negative rate of numbers":          {func(c *Config) { c.Limits.Numbers.Count = -1 }, "limits.numbers"},
		"a rate and a count that are no more": {func(c *Config) { c.Limits.Starts, c.Limits.Sockets = Rate{}, 0 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := validConfig()
			tc.change(&c)
			err := c.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want no fault", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want a fault with %q", err, tc.want)
			}
		})
	}
}

func TestValidateReportsAllFaultsAtOnce(t *testing.T) {
	err := Config{Issuer: "http://10.0.0.1/", Listen: "x", Brand: Brand{Accent: "a", Logo: "b"}}.Validate()
	for _, want := range []string{
		"issuer: http://10.0.0.1/ is not https", "IP address", "ends with a slash", `listen "x"`, "data is not set",
		"registration", "session_lifetime", "session_idle", "access_token_lifetime", "signing_algorithm", "key_rotation",
		"brand: colour", "brand: logo",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no fault with %q in:\n%v", want, err)
		}
	}
}

func TestKeyFile(t *testing.T) {
	const secret = "correct horse battery staple, and so on"
	for name, tc := range map[string]struct {
		text string
		mode os.FileMode
		want string // a part of the fault; empty: none
	}{
		"one that only its owner may read":   {secret + "\n", 0o600, ""},
		"one that nobody may write":          {secret, 0o400, ""},
		"one that the group may read":        {secret, 0o640, "chmod 600"},
		"one that everybody may read":        {secret, 0o604, "chmod 600"},
		"one that the group may write":       {secret, 0o620, "chmod 600"},
		"one of 31 bytes":                    {secret[:31], 0o600, "31 bytes"},
		"one that looks longer than it is":   {secret[:20] + strings.Repeat("\n", 30), 0o600, "20 bytes"},
		"one that is empty":                  {"", 0o600, "0 bytes"},
		"one that must be another file":      {strings.Repeat("a", maxSecretFile+1), 0o600, "longer than"},
		"one that is as long as it can be":   {strings.Repeat("a", maxSecretFile), 0o600, ""},
		"one that is open to all, and short": {"short", 0o644, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			c := validConfig()
			c.KeyFile = filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(c.KeyFile, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(c.KeyFile, tc.mode); err != nil {
				t.Fatal(err)
			}
			err := c.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want no fault", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "key_file")):
				t.Errorf("got %v, want a fault of key_file with %q", err, tc.want)
			case err != nil && (strings.Contains(err.Error(), "correct horse") || strings.Contains(err.Error(), "aaa")):
				t.Errorf("the fault tells what is in the file: %v", err)
			}
			if sealer, _ := c.sealer(); (sealer != nil) != (tc.want == "") {
				t.Errorf("a sealer: %t, want %t", sealer != nil, tc.want == "")
			}
		})
	}
}

func TestAKeyFileThatIsNotThere(t *testing.T) {
	c := validConfig()
	c.KeyFile = filepath.Join(t.TempDir(), "missing")
	if err := c.Validate(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make one") {
		t.Errorf("got %v, want what to do about a missing file", err)
	}
	c.KeyFile = t.TempDir()
	if err := os.Chmod(c.KeyFile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "key_file") {
		t.Errorf("got %v, want a fault, since it is a folder", err)
	}
}

func TestWithoutAKeyFileNothingIsSealed(t *testing.T) {
	if s, err := validConfig().sealer(); s != nil || err != nil {
		t.Errorf("got %v, %v, want neither", s, err)
	}
}

func TestParseIssuerReportsAllFaultsAtOnce(t *testing.T) {
	_, err := ParseIssuer("http://ada@login:0/auth/?a#")
	for _, want := range []string{"user name", "not https", "a full name", "from 1 to 65535", "slash", "query", "fragment"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no fault with %q in:\n%v", want, err)
		}
	}
}

func TestParseIssuer(t *testing.T) {
	longLabel := strings.Repeat("a", 64)
	for issuer, want := range map[string]string{ // a part of the fault; empty: none
		"https://login.example.com":          "",
		"https://login.example.com:8443":     "",
		"https://example.com/auth":           "",
		"https://example.com/a/b":            "",
		"http://localhost":                   "",
		"http://localhost:8080":              "",
		"http://localhost:8080/auth":         "",
		"https://localhost:8443":             "",
		"https://xn--mller-kva.example":      "",
		"http://login.example.com":           "is not https",
		"http://localhost.example.com":       "is not https",
		"http://127.0.0.1:8080":              "is not https",
		"https://127.0.0.1":                  "IP address",
		"https://[::1]:8443":                 "IP address",
		"https://login.example.com/":         "slash",
		"https://example.com/auth/":          "slash",
		"https://example.com?x=1":            "query",
		"https://example.com?":               "query",
		"https://example.com#top":            "fragment",
		"https://example.com#":               "fragment",
		"https://ada:secret@example.com":     "user name",
		"https://Example.com":                "small letters",
		"https://müller.example":             "small letters",
		"https://example.com.":               "small letters",
		"https://example.com:443":            "leave the colon",
		"https://example.com:":               "leave the colon",
		"http://localhost:80":                "leave the colon",
		"https://example.com/a//b":           "not plain",
		"https://example.com/a/../b":         "not plain",
		"https://example.com/%61":            "not plain",
		"https://example.com/{x}":            "not plain",
		"ftp://example.com":                  "use https",
		"https://login":                      "a full name",
		"https://com":                        "a full name",
		"https://localhost.":                 "small letters",
		"https://login..example.com":         "no domain for passkeys",
		"https://login.-example.com":         "no domain for passkeys",
		"https://login.example.7":            "no domain for passkeys",
		"https://127.1":                      "no domain for passkeys",
		"https://2130706433":                 "a full name",
		"https://[::ffff:127.0.0.1]":         "IP address",
		"https://" + longLabel + ".example":  "no domain for passkeys",
		"https://a.b:0":                      "from 1 to 65535",
		"https://a.b:65535":                  "",
		"https://a.b:65536":                  "from 1 to 65535",
		"https://a.b:08443":                  "from 1 to 65535",
		"http://localhost:0":                 "from 1 to 65535",
		"login.example.com":                  "not a full URL",
		"https:login.example.com":            "not a full URL",
		"https://":                           "not a full URL",
		"":                                   "not a full URL",
		"https://exa mple.com":               "not a URL",
		"https://ada:secret@10.0.0.1/?a#b":   "IP address",
		"https://login.example.com:8443/a?b": "query",
	} {
		t.Run(issuer, func(t *testing.T) {
			u, err := ParseIssuer(issuer)
			switch {
			case want == "" && (err != nil || u.String() != issuer):
				t.Errorf("got %v, %v, want it as it is", u, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("got %v, want a fault with %q", err, want)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("the fault tells the password: %v", err)
			}
		})
	}
}

func TestParseRatePrintsBackTheSame(t *testing.T) {
	for text, want := range map[string]Rate{
		"off":    {},
		"60/1m":  {60, time.Minute},
		"20/10s": {20, 10 * time.Second},
	} {
		got, err := ParseRate(text)
		if err != nil || got != want {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, got, err, want)
		}
		if again, err := ParseRate(got.String()); err != nil || again != got {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", got.String(), again, err, got)
		}
	}
	for _, text := range []string{"", "60", "/1m", "0/1m", "-1/1m", "60/0s", "60/minute", "on", "1.5/1m"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestLimitsOffLiftsEveryLimit(t *testing.T) {
	l := DefaultLimits()
	l.Off = true
	if got, want := l.effective(), (Limits{Off: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := DefaultLimits().effective(); got != DefaultLimits() {
		t.Errorf("got %+v, want the limits as they are", got)
	}
}
