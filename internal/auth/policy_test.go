package auth_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/auth"
)

func ptr[T any](v T) *T { return &v }

func prefixes(list ...string) []netip.Prefix {
	all := []netip.Prefix{}
	for _, text := range list {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

var comparePrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestPolicyValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*auth.Policy)
		want   []string // what each fault begins with; none: it is fine
	}{
		"the default":                       {func(*auth.Policy) {}, nil},
		"everything by the passkey":         {func(p *auth.Policy) { p.Medium = auth.DemandPasskey }, nil},
		"a number for both":                 {func(p *auth.Policy) { p.High = auth.DemandNumber }, nil},
		"a number for what is of high risk": {func(p *auth.Policy) { p.Medium, p.High = auth.DemandPasskey, auth.DemandNumber }, nil},
		"nothing but low risk":              {func(p *auth.Policy) { p.Medium = auth.DemandRefuse }, nil},
		"networks":                          {func(p *auth.Policy) { p.Networks = prefixes("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32") }, nil},
		"a minute, with what is left":       {func(p *auth.Policy) { p.Unconfirmed, p.ReducedScopes = time.Minute, auth.Scopes{"openid"} }, nil},
		"a week, with what is left":         {func(p *auth.Policy) { p.Unconfirmed, p.ReducedScopes = 168*time.Hour, auth.Scopes{"openid"} }, nil},
		"scopes that are cut":               {func(p *auth.Policy) { p.ReducedScopes = auth.Scopes{"openid", "https://api.example/read"} }, nil},
		"no demand at all":                  {func(p *auth.Policy) { p.Medium = "" }, []string{`medium "" is not known: use passkey, number or refuse`}},
		"a demand of another case":          {func(p *auth.Policy) { p.Medium = "Number" }, []string{`medium "Number" is not known`}},
		"the passkey alone for a high risk": {func(p *auth.Policy) { p.High = auth.DemandPasskey }, []string{`high "passkey" is too little: `}},
		"an unknown one for a high risk":    {func(p *auth.Policy) { p.High = "allow" }, []string{`high "allow" is not known: use number or refuse`}},
		"less for the higher risk":          {func(p *auth.Policy) { p.Medium, p.High = "refuse", "number" }, []string{`high "number" asks for less than medium "refuse": `}},
		"everybody's network":               {func(p *auth.Policy) { p.Networks = prefixes("0.0.0.0/0") }, []string{"networks has 0.0.0.0/0, which is everybody: leave networks out"}},
		"everybody's network of IPv6":       {func(p *auth.Policy) { p.Networks = prefixes("::/0") }, []string{"networks has ::/0, which is everybody"}},
		"no network":                        {func(p *auth.Policy) { p.Networks = []netip.Prefix{{}} }, []string{"networks has an entry that is no network"}},
		"a network with an address in it":   {func(p *auth.Policy) { p.Networks = prefixes("10.1.2.3/8") }, []string{"networks has 10.1.2.3/8, which is not how that network is written: use 10.0.0.0/8"}},
		"a network of IPv4 that no address has": {
			func(p *auth.Policy) { p.Networks = prefixes("::ffff:10.0.0.0/104") },
			[]string{"networks has ::ffff:10.0.0.0/104, which is not how that network is written: use 10.0.0.0/8"},
		},
		"a scope with a space":     {func(p *auth.Policy) { p.ReducedScopes = auth.Scopes{"open id"} }, []string{`reduced_scopes has "open id", which is no scope`}},
		"a scope with a quote":     {func(p *auth.Policy) { p.ReducedScopes = auth.Scopes{`"`} }, []string{`reduced_scopes has "\"", which is no scope`}},
		"an empty scope":           {func(p *auth.Policy) { p.ReducedScopes = auth.Scopes{""} }, []string{`reduced_scopes has "", which is no scope`}},
		"less than a minute":       {func(p *auth.Policy) { p.Unconfirmed, p.ReducedScopes = 59*time.Second, auth.Scopes{"a"} }, []string{"unconfirmed 59s is out of bounds: "}},
		"less than nothing":        {func(p *auth.Policy) { p.Unconfirmed, p.ReducedScopes = -time.Hour, auth.Scopes{"a"} }, []string{"unconfirmed -1h0m0s is out of bounds: "}},
		"more than a week":         {func(p *auth.Policy) { p.Unconfirmed, p.ReducedScopes = 169*time.Hour, auth.Scopes{"a"} }, []string{"unconfirmed 169h0m0s is out of bounds: "}},
		"part of a second":         {func(p *auth.Policy) { p.Unconfirmed, p.ReducedScopes = 60500*time.Millisecond, auth.Scopes{"a"} }, []string{"unconfirmed 1m0.5s is out of bounds: "}},
		"a wait without a meaning": {func(p *auth.Policy) { p.Unconfirmed = time.Hour }, []string{"unconfirmed 1h0m0s withholds nothing: "}},
		"all at once": {
			func(p *auth.Policy) {
				*p = auth.Policy{Medium: "x", High: "y", Networks: prefixes("0.0.0.0/0", "10.0.0.1/8"), ReducedScopes: auth.Scopes{" ", "\\"}, Unconfirmed: time.Second}
			},
			[]string{"medium ", "high ", "networks has 0.0.0.0/0", "networks has 10.0.0.1/8", "reduced_scopes ", "reduced_scopes ", "unconfirmed "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := auth.DefaultPolicy()
			tc.change(&p)
			var got []string
			if err := p.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %d faults", got, len(tc.want))
			}
			for i, want := range tc.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("got %q, want it to begin with %q", got[i], want)
				}
			}
		})
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8":          "10.0.0.0/8",
		"10.1.2.3/8":          "10.0.0.0/8",
		"192.0.2.7":           "192.0.2.7/32",
		"2001:db8::1":         "2001:db8::1/128",
		"2001:db8::1/32":      "2001:db8::/32",
		"fe80::1%eth0":        "",
		"::ffff:192.0.2.7":    "192.0.2.7/32",
		"::ffff:10.1.2.3/104": "10.0.0.0/8",
		"0.0.0.0/0":           "0.0.0.0/0", // which Validate refuses
		"::ffff:0.0.0.0/96":   "0.0.0.0/0", // and this one by its true name
		"":                    "",
		"home":                "",
		"10.0.0.0/33":         "",
		"10.0.0.0/-1":         "",
		"10.0.0/8":            "",
		"fe80::1%eth0/64":     "",
		" 10.0.0.0/8":         "",
	} {
		got, err := auth.ParseNetwork(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q: got %v, %v, want %q", text, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "use forms such as") {
			t.Errorf("%q: %v does not say what to do", text, err)
		}
	}
}

// FuzzParseNetwork: what is read is in the one form, and allows the addresses that it
// has in it.
func FuzzParseNetwork(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8", "192.0.2.7", "::ffff:10.1.2.3/104", "2001:db8::/32", "fe80::1%eth0", "::/0", "x", "::ffff:0:0/90"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := auth.ParseNetwork(text)
		if err != nil {
			return
		}
		p := auth.DefaultPolicy()
		p.Networks = []netip.Prefix{n}
		if err := p.Validate(); err != nil && n.Bits() > 0 {
			t.Errorf("%q is read as %s, of which is said: %v", text, n, err)
		}
		if again, err := auth.ParseNetwork(n.String()); err != nil || again != n {
			t.Errorf("%q is read as %s, and that as %s, %v", text, n, again, err)
		}
		if !n.Addr().Is4In6() && !p.Allows(n.Addr()) {
			t.Errorf("%q is read as %s, and does not allow %s", text, n, n.Addr())
		}
	})
}

func TestPolicyAllows(t *testing.T) {
	p := auth.Policy{Networks: prefixes("10.0.0.0/8", "2001:db8::/64")}
	for addr, want := range map[string]bool{
		"10.255.0.1": true, "11.0.0.1": false, "::ffff:10.0.0.1": true, "2001:db8::1": true, "2001:db8:0:1::1": false, "2001:db8::1%eth0": true,
	} {
		if got := p.Allows(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %t, want %t", addr, got, want)
		}
	}
	if p.Allows(netip.Addr{}) {
		t.Error("an address that is not known is allowed")
	}
	if !(auth.Policy{}).Allows(netip.MustParseAddr("192.0.2.1")) {
		t.Error("without networks an address is not allowed")
	}
}

// full is a change of everything.
func full() auth.PolicyChange {
	return auth.PolicyChange{
		Medium: ptr(auth.DemandRefuse), High: ptr(auth.DemandRefuse), RequireKnownDevice: ptr(true),
		Networks: ptr(prefixes("10.0.0.0/8")), ReducedScopes: ptr(auth.Scopes{"openid"}), Unconfirmed: ptr(time.Hour),
	}
}

func TestEachFieldOfAChange(t *testing.T) {
	all := full()
	for _, f := range auth.PolicyFields() {
		if !all.Says(f) || (auth.PolicyChange{}).Says(f) {
			t.Errorf("%s: a change of everything says it: %t, and one of nothing: %t", f, all.Says(f), (auth.PolicyChange{}).Says(f))
		}
		rest := all.Without(f)
		for _, g := range auth.PolicyFields() {
			if rest.Says(g) != (f != g) {
				t.Errorf("without %s it says %s: %t", f, g, rest.Says(g))
			}
		}
	}
	if all.Says("colour") || !cmp.Equal(all, all.Without("colour"), comparePrefix) {
		t.Error("a field that is none is one")
	}
}

// TestTheFieldsAreCalledAsInJSON: the name of a field is the same everywhere.
func TestTheFieldsAreCalledAsInJSON(t *testing.T) {
	text, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	var members map[auth.PolicyField]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for _, f := range auth.PolicyFields() {
		if _, ok := members[f]; !ok {
			t.Errorf("%s is not in %s", f, text)
		}
	}
	if len(members) != len(auth.PolicyFields()) {
		t.Errorf("got %d members in %s, want %d", len(members), text, len(auth.PolicyFields()))
	}
	var again auth.PolicyChange
	if err := json.Unmarshal(text, &again); err != nil || !cmp.Equal(full(), again, comparePrefix) {
		t.Errorf("%s reads back as %+v, %v", text, again, err)
	}
}

func TestPoliciesOf(t *testing.T) {
	acme := auth.Client{ID: "acme"}
	demand := func(medium, high string) auth.PolicyChange {
		var ch auth.PolicyChange
		if medium != "" {
			ch.Medium = ptr(auth.Demand(medium))
		}
		if high != "" {
			ch.High = ptr(auth.Demand(high))
		}
		return ch
	}
	for name, tc := range map[string]struct {
		everybody, file, client auth.PolicyChange
		want                    func(*auth.Policy)
	}{
		"nothing is said":                        {want: func(*auth.Policy) {}},
		"the file, for everybody":                {everybody: demand("passkey", "number"), want: func(p *auth.Policy) { p.Medium, p.High = "passkey", "number" }},
		"the file, for the client":               {everybody: demand("refuse", ""), file: demand("passkey", ""), want: func(p *auth.Policy) { p.Medium = "passkey" }},
		"the client's own word is the last":      {everybody: demand("refuse", ""), file: demand("refuse", ""), client: demand("passkey", ""), want: func(p *auth.Policy) { p.Medium = "passkey" }},
		"each says another thing":                {everybody: full().Without(auth.PolicyMedium).Without(auth.PolicyHigh), client: demand("", "number"), want: func(p *auth.Policy) { *p = p.With(full()); p.Medium, p.High = "number", "number" }},
		"anywhere, in spite of the file":         {everybody: auth.PolicyChange{Networks: ptr(prefixes("10.0.0.0/8"))}, client: auth.PolicyChange{Networks: ptr(prefixes())}, want: func(p *auth.Policy) { p.Networks = prefixes() }},
		"high for less than medium, by two":      {everybody: demand("refuse", ""), client: demand("", "number"), want: func(p *auth.Policy) { p.Medium, p.High = "refuse", "refuse" }},
		"the passkey alone for a high risk":      {client: demand("passkey", "passkey"), want: func(p *auth.Policy) { p.Medium, p.High = "passkey", "number" }},
		"a demand of a release to come":          {client: demand("dance", "sing"), want: func(p *auth.Policy) { p.Medium, p.High = "refuse", "refuse" }},
		"a wait without anything to withhold":    {client: auth.PolicyChange{Unconfirmed: ptr(time.Hour)}, want: func(*auth.Policy) {}},
		"a wait here, what is withheld there":    {everybody: auth.PolicyChange{ReducedScopes: ptr(auth.Scopes{"a"})}, client: auth.PolicyChange{Unconfirmed: ptr(time.Hour)}, want: func(p *auth.Policy) { p.ReducedScopes, p.Unconfirmed = auth.Scopes{"a"}, time.Hour }},
		"what the file says of others is others": {file: auth.PolicyChange{}, want: func(*auth.Policy) {}},
	} {
		t.Run(name, func(t *testing.T) {
			all := auth.Policies{
				Everybody: tc.everybody,
				Clients:   map[auth.ClientID]auth.PolicyChange{"acme": tc.file, "other": demand("refuse", "refuse")},
			}
			c := acme
			c.Policy = tc.client
			want := auth.DefaultPolicy()
			tc.want(&want)
			if diff := cmp.Diff(want, all.Of(c), comparePrefix); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
			if err := all.Of(c).Validate(); err != nil {
				t.Errorf("what holds is not valid: %v", err)
			}
		})
	}
}

func TestWhoHasTheLastWordOnASetting(t *testing.T) {
	all := auth.Policies{
		Everybody: auth.PolicyChange{Medium: ptr(auth.DemandPasskey), High: ptr(auth.DemandNumber)},
		Clients:   map[auth.ClientID]auth.PolicyChange{"acme": {RequireKnownDevice: ptr(false)}},
	}
	c := auth.Client{ID: "acme", Policy: auth.PolicyChange{High: ptr(auth.DemandRefuse)}}
	want := map[auth.PolicyField]auth.PolicySource{
		auth.PolicyMedium: auth.SourceFile, auth.PolicyHigh: auth.SourceClient, auth.PolicyRequireKnownDevice: auth.SourceFile,
		auth.PolicyNetworks: auth.SourceDefault, auth.PolicyReducedScopes: auth.SourceDefault, auth.PolicyUnconfirmed: auth.SourceDefault,
	}
	for _, f := range auth.PolicyFields() {
		if got := all.Source(c, f); got != want[f] {
			t.Errorf("%s: got %s, want %s", f, got, want[f])
		}
	}
}

func TestTheLaterChangeBeatsTheOneBefore(t *testing.T) {
	early := auth.PolicyChange{Medium: ptr(auth.DemandPasskey), Unconfirmed: ptr(time.Hour)}
	late := auth.PolicyChange{Medium: ptr(auth.DemandRefuse), High: ptr(auth.DemandRefuse)}
	want := auth.PolicyChange{Medium: ptr(auth.DemandRefuse), High: ptr(auth.DemandRefuse), Unconfirmed: ptr(time.Hour)}
	if diff := cmp.Diff(want, early.With(late)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full(), auth.PolicyChange{}.With(full()), comparePrefix); diff != "" {
		t.Errorf("all of it (-want +got):\n%s", diff)
	}
}

func TestPolicyReduce(t *testing.T) {
	asked := auth.Scopes{"openid", "files", "profile"}
	for name, tc := range map[string]struct {
		reduced, want auth.Scopes
	}{
		"nothing is taken away":    {nil, asked},
		"what is left":             {auth.Scopes{"profile", "openid", "other"}, auth.Scopes{"openid", "profile"}},
		"all of it is taken away":  {auth.Scopes{"other"}, nil},
		"the empty set is nothing": {auth.Scopes{}, asked},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, auth.Policy{ReducedScopes: tc.reduced}.Reduce(asked)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
