package admin_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/auth"
)

var (
	compareAddr   = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	comparePrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
)

func prefixes(list ...string) *[]netip.Prefix {
	all := []netip.Prefix{}
	for _, text := range list {
		all = append(all, netip.MustParsePrefix(text))
	}
	return &all
}

func TestAClientsPolicyIsStored(t *testing.T) {
	o := operator(t)
	want := auth.PolicyChange{
		Medium: ptr(auth.DemandPasskey), High: ptr(auth.DemandNumber), RequireKnownDevice: ptr(true),
		Networks: prefixes("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/64"), ReducedScopes: ptr(auth.Scopes{"openid"}), Unconfirmed: ptr(24 * time.Hour),
	}
	r := admin.ClientRequest{ID: "acme", Name: "Acme", Policy: want, Networks: []string{"10.1.2.3/8", "192.0.2.7", "2001:db8::1/64", "10.0.0.0/8"}}
	r.Policy.Networks = nil
	r.Policy.ReducedScopes = &auth.Scopes{"openid", "openid"}
	c, _ := added(t, o, r)
	if diff := cmp.Diff(want, c.Policy, comparePrefix); diff != "" {
		t.Errorf("returned (-want +got):\n%s", diff)
	}
	stored, err := o.Client(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored.Policy, comparePrefix); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestUpdateClientChangesOnlyWhatIsNamedOfThePolicy(t *testing.T) {
	before := auth.PolicyChange{
		Medium: ptr(auth.DemandPasskey), RequireKnownDevice: ptr(true), Networks: prefixes("10.0.0.0/8"),
		ReducedScopes: ptr(auth.Scopes{"openid"}), Unconfirmed: ptr(time.Hour),
	}
	for name, tc := range map[string]struct {
		change admin.ClientChange
		want   func(*auth.PolicyChange)
	}{
		"a demand":        {admin.ClientChange{Policy: auth.PolicyChange{High: ptr(auth.DemandNumber)}}, func(p *auth.PolicyChange) { p.High = ptr(auth.DemandNumber) }},
		"another demand":  {admin.ClientChange{Policy: auth.PolicyChange{Medium: ptr(auth.DemandRefuse)}}, func(p *auth.PolicyChange) { p.Medium = ptr(auth.DemandRefuse) }},
		"unknown devices": {admin.ClientChange{Policy: auth.PolicyChange{RequireKnownDevice: ptr(false)}}, func(p *auth.PolicyChange) { p.RequireKnownDevice = ptr(false) }},
		"other networks":  {admin.ClientChange{Networks: []string{"192.0.2.0/24"}}, func(p *auth.PolicyChange) { p.Networks = prefixes("192.0.2.0/24") }},
		"anywhere":        {admin.ClientChange{Networks: []string{}}, func(p *auth.PolicyChange) { p.Networks = prefixes() }},
		"confirmed":       {admin.ClientChange{Policy: auth.PolicyChange{Unconfirmed: ptr(time.Duration(0))}}, func(p *auth.PolicyChange) { p.Unconfirmed = ptr(time.Duration(0)) }},
		"the name":        {admin.ClientChange{Name: ptr("Acme 2")}, func(*auth.PolicyChange) {}},
		"medium as configured": {
			admin.ClientChange{PolicyReset: []auth.PolicyField{auth.PolicyMedium}}, func(p *auth.PolicyChange) { p.Medium = nil },
		},
		"a field as configured that is so already": {
			admin.ClientChange{PolicyReset: []auth.PolicyField{auth.PolicyHigh}}, func(*auth.PolicyChange) {},
		},
		"all as configured": {
			admin.ClientChange{PolicyReset: auth.PolicyFields()}, func(p *auth.PolicyChange) { *p = auth.PolicyChange{} },
		},
		"one set, others as configured": {
			admin.ClientChange{Policy: auth.PolicyChange{High: ptr(auth.DemandNumber)}, PolicyReset: []auth.PolicyField{auth.PolicyUnconfirmed, auth.PolicyNetworks}},
			func(p *auth.PolicyChange) { p.High, p.Unconfirmed, p.Networks = ptr(auth.DemandNumber), nil, nil },
		},
		"nothing is reduced, and nobody waits": {
			admin.ClientChange{Policy: auth.PolicyChange{ReducedScopes: &auth.Scopes{}, Unconfirmed: ptr(time.Duration(0))}},
			func(p *auth.PolicyChange) { p.ReducedScopes, p.Unconfirmed = &auth.Scopes{}, ptr(time.Duration(0)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", Policy: before})
			want := before
			tc.want(&want)
			got, _, err := o.UpdateClient(t.Context(), "acme", tc.change)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := o.Client(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.Policy, comparePrefix); diff != "" {
				t.Errorf("returned (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, stored.Policy, comparePrefix); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPolicyIsRefused(t *testing.T) {
	file := auth.Policies{
		Everybody: auth.PolicyChange{ReducedScopes: &auth.Scopes{"openid"}},
		Clients: map[auth.ClientID]auth.PolicyChange{
			"closed": {Medium: ptr(auth.DemandRefuse)},
		},
	}
	for name, tc := range map[string]struct {
		client auth.ClientID // empty: acme
		change admin.ClientChange
		want   []string // its faults; none: it is fine
	}{
		"a demand that is none": {
			change: admin.ClientChange{Policy: auth.PolicyChange{Medium: ptr(auth.Demand("sms"))}},
			want:   []string{`medium "sms" is not known: use passkey, number or refuse`},
		},
		"the passkey alone for a high risk": {
			change: admin.ClientChange{Policy: auth.PolicyChange{High: ptr(auth.DemandPasskey)}},
			want:   []string{`high "passkey" is too little`},
		},
		"less for a high risk than the file has for a medium one": {
			client: "closed", change: admin.ClientChange{Policy: auth.PolicyChange{High: ptr(auth.DemandNumber)}},
			want: []string{`high "number" asks for less than medium "refuse"`},
		},
		"less for both than the file has": {
			client: "closed", change: admin.ClientChange{Policy: auth.PolicyChange{Medium: ptr(auth.DemandNumber), High: ptr(auth.DemandNumber)}},
		},
		"each network that is none": {
			change: admin.ClientChange{Networks: []string{"home", "10.0.0.0/8", "10.0.0.0/99"}},
			want:   []string{`networks: "home" is neither an address nor a network`, `networks: "10.0.0.0/99" is neither`},
		},
		"everybody's networks": {
			change: admin.ClientChange{Networks: []string{"0.0.0.0/0", "::/0"}},
			want:   []string{"networks has 0.0.0.0/0, which is everybody: leave networks out", "networks has ::/0"},
		},
		"a network that is not written as it is": {
			change: admin.ClientChange{Policy: auth.PolicyChange{Networks: prefixes("10.1.1.1/8")}},
			want:   []string{"networks has 10.1.1.1/8, which is not how that network is written: use 10.0.0.0/8"},
		},
		"a wait with what the file withholds": {
			change: admin.ClientChange{Policy: auth.PolicyChange{Unconfirmed: ptr(time.Hour)}},
		},
		"a wait without anything withheld": {
			change: admin.ClientChange{Policy: auth.PolicyChange{Unconfirmed: ptr(time.Hour), ReducedScopes: &auth.Scopes{}}},
			want:   []string{"unconfirmed 1h0m0s withholds nothing"},
		},
		"a wait of a month": {
			change: admin.ClientChange{Policy: auth.PolicyChange{Unconfirmed: ptr(720 * time.Hour)}},
			want:   []string{"unconfirmed 720h0m0s is out of bounds"},
		},
		"a scope that is none": {
			change: admin.ClientChange{Policy: auth.PolicyChange{ReducedScopes: &auth.Scopes{`"`}}},
			want:   []string{"reduced_scopes has", "reduced_scopes has"},
		},
		"a scope for which the client may not ask": {
			change: admin.ClientChange{Policy: auth.PolicyChange{ReducedScopes: &auth.Scopes{"openid", "opnid"}}},
			want:   []string{`reduced_scopes has "opnid", for which the client may not ask at all`},
		},
		"both at once": {
			change: admin.ClientChange{Policy: auth.PolicyChange{Medium: ptr(auth.DemandPasskey)}, PolicyReset: []auth.PolicyField{auth.PolicyMedium}},
			want:   []string{"medium is not valid: it is set and given back to the configuration at once"},
		},
		"networks, both at once": {
			change: admin.ClientChange{Networks: []string{"10.0.0.0/8"}, PolicyReset: []auth.PolicyField{auth.PolicyNetworks}},
			want:   []string{"networks is not valid: it is set and given back"},
		},
		"a field that is none": {
			change: admin.ClientChange{PolicyReset: []auth.PolicyField{"low"}},
			want:   []string{`policy setting "low" is not valid: use medium, high, require_known_device, networks, reduced_scopes or unconfirmed`},
		},
		"all of it at once, and a name": {
			change: admin.ClientChange{
				Name: ptr(""), Networks: []string{"x", "0.0.0.0/0"}, PolicyReset: []auth.PolicyField{"y"},
				Policy: auth.PolicyChange{Medium: ptr(auth.Demand("a")), High: ptr(auth.Demand("b")), ReducedScopes: &auth.Scopes{"c"}, Unconfirmed: ptr(time.Second)},
			},
			want: []string{"the empty name", `policy setting "y"`, `networks: "x"`, "medium", "high", "networks has 0.0.0.0/0", "unconfirmed", "reduced_scopes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := operator(t)
			o.Policies = file
			id := tc.client
			if id == "" {
				id = "acme"
			}
			want, _ := added(t, o, admin.ClientRequest{ID: id, Name: "Acme"})
			_, _, err := o.UpdateClient(t.Context(), id, tc.change)
			if !faultsAre(t, err, tc.want) {
				return
			}
			if got, err := o.Client(t.Context(), id); err != nil || !cmp.Equal(want, got, comparePrefix) {
				t.Errorf("it was changed: %v\n%s", err, cmp.Diff(want, got, comparePrefix))
			}
		})
	}
}

// faultsAre wants these in the error, one a line, and reports whether there are any.
func faultsAre(t *testing.T, err error, want []string) bool {
	t.Helper()
	if len(want) == 0 {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return false
	}
	if !errors.Is(err, admin.ErrInvalid) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Errorf("got %d faults, want %d:\n%v", len(lines), len(want), err)
	}
	for _, fault := range want {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("no fault with %q in:\n%v", fault, err)
		}
	}
	return true
}

func TestAddClientReportsAllFaultsOfAPolicy(t *testing.T) {
	_, _, err := operator(t).AddClient(t.Context(), admin.ClientRequest{
		ID: "a b", Name: "Acme", Networks: []string{"x"},
		Policy: auth.PolicyChange{Medium: ptr(auth.Demand("a")), High: ptr(auth.DemandPasskey), Unconfirmed: ptr(time.Hour)},
	})
	faultsAre(t, err, []string{"client ID", `networks: "x"`, "medium", "high", "unconfirmed"})
}

// TestWhatTheFileSaysWrongStopsNoOtherChange: who is not asked about the policy is not
// told of it.
func TestWhatTheFileSaysWrongStopsNoOtherChange(t *testing.T) {
	o := operator(t)
	added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", Policy: auth.PolicyChange{High: ptr(auth.DemandNumber)}})
	o.Policies.Everybody = auth.PolicyChange{Medium: ptr(auth.DemandRefuse)}
	if _, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{Verified: ptr(true)}); err != nil {
		t.Errorf("verified: %v", err)
	}
	if _, _, err := o.AddClient(t.Context(), admin.ClientRequest{ID: "other", Name: "Other"}); err != nil {
		t.Errorf("another client: %v", err)
	}
	_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{Policy: auth.PolicyChange{RequireKnownDevice: ptr(true)}})
	faultsAre(t, err, []string{`high "number" asks for less than medium "refuse"`})
}

func TestAScopeThatIsLeftMustStayOneOfTheClient(t *testing.T) {
	o := operator(t)
	added(t, o, admin.ClientRequest{ID: "acme", Name: "Acme", Policy: auth.PolicyChange{ReducedScopes: &auth.Scopes{"profile"}}})
	_, _, err := o.UpdateClient(t.Context(), "acme", admin.ClientChange{Scopes: []string{"openid"}})
	faultsAre(t, err, []string{`reduced_scopes has "profile", for which the client may not ask at all: its scopes are "openid"`})
}
