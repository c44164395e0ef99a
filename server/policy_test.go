package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/store/sqlite"
	"github.com/qrauthd/qrauthd/internal/wire"
)

func TestFaultsOfPolicies(t *testing.T) {
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	for name, tc := range map[string]struct {
		policies Policies
		want     []string // the faults, by their beginnings; none: there are none
	}{
		"nothing is said": {Policies{}, nil},
		"all is well": {Policies{
			Everybody: PolicyChange{Medium: new(DemandPasskey), High: new(DemandNumber)},
			Clients:   map[ClientID]PolicyChange{"acme": {Medium: new(DemandRefuse), High: new(DemandRefuse)}},
		}, nil},
		"faults of everybody, each with its name": {
			Policies{Everybody: PolicyChange{Medium: new(Demand("pin")), High: new(DemandPasskey), Networks: &everywhere}},
			[]string{`policy: medium "pin"`, `policy: high "passkey"`, "policy: networks has 0.0.0.0/0"},
		},
		"what is wrong for everybody is not said again of clients": {
			Policies{
				Everybody: PolicyChange{Networks: &everywhere},
				Clients:   map[ClientID]PolicyChange{"acme": {High: new(DemandPasskey)}, "other": {Medium: new(DemandPasskey)}},
			},
			[]string{"policy: networks has 0.0.0.0/0", `clients.acme: high "passkey"`},
		},
		"a client's does not fit to everybody's": {
			Policies{
				Everybody: PolicyChange{High: new(DemandNumber)},
				Clients:   map[ClientID]PolicyChange{"acme": {Medium: new(DemandRefuse)}},
			},
			[]string{`clients.acme: high "number" asks for less than medium "refuse"`},
		},
		"a client's window fits to everybody's scopes": {
			Policies{
				Everybody: PolicyChange{ReducedScopes: new(Scopes{"openid"})},
				Clients:   map[ClientID]PolicyChange{"acme": {Unconfirmed: new(24 * time.Hour)}},
			},
			nil,
		},
		"a window that withholds nothing": {
			Policies{Clients: map[ClientID]PolicyChange{"acme": {Unconfirmed: new(24 * time.Hour)}}},
			[]string{"clients.acme: unconfirmed 24h0m0s withholds nothing"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := validConfig()
			c.Policies = tc.policies
			got := texts(c.Validate())
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			for i, want := range tc.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

// startFrom begins a sign-in as if from that address, behind a trusted proxy.
func startFrom(t *testing.T, c *http.Client, issuer string, client ClientID, from string) (status int, problem wire.Error) {
	t.Helper()
	form := url.Values{wire.ParamClientID: {string(client)}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+wire.PathDeviceAuthorization, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", from)
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, problem
}

// operate changes the running server's data as the command line does.
func operate(t *testing.T, c Config, change func(context.Context, admin.Operator) error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), Database(c.DataDir), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := change(t.Context(), admin.Operator{Store: db, Policies: c.Policies, Record: c.Recorder()}); err != nil {
		t.Fatal(err)
	}
}

func TestAPolicyOfTheConfigurationHoldsAndAClientsOwnBeatsIt(t *testing.T) {
	c := demoConfig(t)
	c.TrustedProxies = prefixes("127.0.0.1/32")
	c.Policies = Policies{
		Everybody: PolicyChange{Networks: new(prefixes("192.0.2.0/24"))},
		Clients: map[ClientID]PolicyChange{
			"acme": {Networks: new(prefixes("198.51.100.0/24"))},
			"free": {Networks: new([]netip.Prefix{})},
		},
	}
	s := run(t, c, nil)
	operate(t, c, func(ctx context.Context, o admin.Operator) error {
		own := PolicyChange{Networks: new(prefixes("203.0.113.0/24"))}
		for id, policy := range map[ClientID]PolicyChange{"acme": {}, "free": {}, "own": own} {
			if _, _, err := o.AddClient(ctx, admin.ClientRequest{ID: id, Name: string(id), Policy: policy}); err != nil {
				return err
			}
		}
		return nil
	})
	client := newClient(t, nil)
	for name, tc := range map[string]struct {
		id   ClientID
		from string
		want int
	}{
		"everybody's, from within":                {DemoClientID, "192.0.2.7", http.StatusOK},
		"everybody's, from elsewhere":             {DemoClientID, "198.51.100.7", http.StatusBadRequest},
		"everybody's, in the clothes of IPv6":     {DemoClientID, "::ffff:192.0.2.7", http.StatusOK},
		"the client's in the file":                {"acme", "198.51.100.7", http.StatusOK},
		"the client's in the file, not all's":     {"acme", "192.0.2.7", http.StatusBadRequest},
		"a client that may be anywhere":           {"free", "2001:db8::1", http.StatusOK},
		"the client's own record":                 {"own", "203.0.113.7", http.StatusOK},
		"the client's own record, and not all's":  {"own", "192.0.2.7", http.StatusBadRequest},
		"an address that contradicts the network": {"own", "10.0.0.1", http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			if status, problem := startFrom(t, client, s.Issuer(), tc.id, tc.from); status != tc.want {
				t.Errorf("%s from %s: got %d %+v, want %d", tc.id, tc.from, status, problem, tc.want)
			}
		})
	}
}

func TestAPolicyOfNobodyIsWarnedOf(t *testing.T) {
	c := demoConfig(t)
	c.Policies.Clients = map[ClientID]PolicyChange{DemoClientID: {}, "desktop-dmeo": {}, "acme": {}}
	log, err := lookOnce(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, `clients="acme desktop-dmeo"`) {
		t.Errorf("the log does not name the clients that are not there:\n%s", log)
	}
	c.Policies.Clients = map[ClientID]PolicyChange{DemoClientID: {}}
	if log, err = lookOnce(t, c); err != nil || strings.Contains(log, "not registered") {
		t.Errorf("got %v and:\n%s\nwant no warning", err, log)
	}
}

func TestAProxyThatNobodyNamedIsWarnedOf(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		want   []string
		never  string
	}{
		"https without a certificate and without a proxy": {
			func(*Config) {}, []string{"name it in trusted_proxies", "which takes a number"}, "compared",
		},
		"with networks of everybody": {
			func(c *Config) { c.Policies.Everybody.Networks = new(prefixes("192.0.2.0/24")) }, []string{"which takes a number", "compared"}, "not registered",
		},
		"with networks of one client": {
			func(c *Config) {
				c.Policies.Clients = map[ClientID]PolicyChange{DemoClientID: {Networks: new(prefixes("192.0.2.0/24"))}}
			}, []string{"which takes a number", "compared"}, "not registered",
		},
		"with a proxy":            {func(c *Config) { c.TrustedProxies = prefixes("127.0.0.1/32") }, nil, "takes a number"},
		"on this machine by http": {func(c *Config) { c.Issuer = "" }, nil, "takes a number"},
	} {
		t.Run(name, func(t *testing.T) {
			c := demoConfig(t)
			c.Issuer = "https://login.example.com"
			tc.change(&c)
			s := run(t, c, nil)
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if !strings.Contains(s.log.String(), want) {
					t.Errorf("the log does not say %q:\n%s", want, s.log)
				}
			}
			if strings.Contains(s.log.String(), tc.never) {
				t.Errorf("the log says %q:\n%s", tc.never, s.log)
			}
		})
	}
}
