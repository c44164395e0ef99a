package risk_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/qrauthd/qrauthd/internal/risk"
)

func spot(address, country, operator string) risk.Spot {
	s := at(address)
	s.Country, s.Operator = country, operator
	return s
}

func TestAssess(t *testing.T) {
	var (
		desk       = spot("192.0.2.7", "DE", "AS64500")
		phone      = spot("192.0.2.8", "DE", "AS64500")
		mobile     = spot("198.51.100.9", "DE", "AS64501")
		abroad     = spot("203.0.113.5", "FR", "AS64502")
		desk6      = spot("2001:db8:1:2::7", "DE", "AS64500")
		desk6other = spot("2001:db8:f:2::7", "DE", "AS64501")
		desk6far   = spot("2001:db8:e:2::7", "FR", "AS64500")
	)
	tests := []struct {
		name  string
		facts risk.Facts
		want  risk.Level
		why   []risk.Reason
	}{
		{"the phone is beside the computer", risk.Facts{Desktop: desk, Phone: phone}, risk.Low, nil},
		{"the request began in the phone's own browser", risk.Facts{Local: true, Desktop: abroad, Phone: phone}, risk.Low, nil},
		{"the phone is on mobile data", risk.Facts{Desktop: desk, Phone: mobile}, risk.Medium, []risk.Reason{risk.OtherNetwork}},
		{
			"the phone is on mobile data, and the account's computers have been here before",
			risk.Facts{Desktop: desk, Phone: mobile, Networks: []string{"198.51.100.0/24", "192.0.2.0/24"}},
			risk.Low, nil,
		},
		{
			"a usual network is usual to phones abroad as well",
			risk.Facts{Desktop: desk, Phone: abroad, Networks: []string{"192.0.2.0/24"}},
			risk.Low, nil,
		},
		{
			"the phone's network is no help to a computer elsewhere",
			risk.Facts{Desktop: abroad, Phone: phone, Networks: []string{"192.0.2.0/24"}},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.OtherCountry},
		},
		{
			"the computer is abroad",
			risk.Facts{Desktop: abroad, Phone: phone},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.OtherCountry},
		},
		{
			"the computer is abroad, where the account's computers have been",
			risk.Facts{Desktop: abroad, Phone: phone, Countries: []string{"DE", "FR"}},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.OtherCountry},
		},
		{
			"the computer is abroad, where none has been",
			risk.Facts{Desktop: abroad, Phone: phone, Countries: []string{"DE"}},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.OtherCountry, risk.UnusualCountry},
		},
		{
			"the person travels with both",
			risk.Facts{Desktop: abroad, Phone: spot("203.0.113.6", "FR", "AS64502"), Countries: []string{"DE"}},
			risk.Low, nil,
		},
		{
			"the person travels with both, the phone on mobile data",
			risk.Facts{Desktop: abroad, Phone: spot("198.51.100.200", "FR", "AS64503"), Countries: []string{"DE"}},
			risk.Medium,
			[]risk.Reason{risk.OtherNetwork, risk.UnusualCountry},
		},
		{
			"nothing is known of the computer's country, which is no other one",
			risk.Facts{Desktop: at("203.0.113.5"), Phone: phone, Countries: []string{"DE"}},
			risk.Medium,
			[]risk.Reason{risk.OtherNetwork},
		},
		{"nothing is known of where they are", risk.Facts{}, risk.Medium, []risk.Reason{risk.UnknownNetwork}},
		{"nothing is known of where the phone is", risk.Facts{Desktop: desk}, risk.Medium, []risk.Reason{risk.UnknownNetwork}},
		{
			"nothing is known of where they are, and a network without a name is among the usual ones",
			risk.Facts{Networks: []string{""}},
			risk.Medium,
			[]risk.Reason{risk.UnknownNetwork},
		},
		{"the computer has IPv6, the phone IPv4, of one operator, whose customer anybody may be", risk.Facts{Desktop: desk6, Phone: phone}, risk.Medium, []risk.Reason{risk.UnknownNetwork}},
		{
			"the computer has IPv6, the phone IPv4, of two operators",
			risk.Facts{Desktop: desk6other, Phone: phone},
			risk.Medium,
			[]risk.Reason{risk.OtherNetwork},
		},
		{
			"the computer has IPv6, the phone IPv4, of nobody knows whom",
			risk.Facts{Desktop: at("2001:db8::7"), Phone: at("192.0.2.7")},
			risk.Medium,
			[]risk.Reason{risk.UnknownNetwork},
		},
		{
			"one operator in two countries is two",
			risk.Facts{Desktop: desk6far, Phone: phone},
			risk.High,
			[]risk.Reason{risk.UnknownNetwork, risk.OtherCountry},
		},
		{
			"one operator does not make two networks of one protocol one",
			risk.Facts{Desktop: spot("192.0.200.7", "DE", "AS64500"), Phone: phone},
			risk.Medium,
			[]risk.Reason{risk.OtherNetwork},
		},
		{"the code was opened in two browsers", risk.Facts{Desktop: desk, Phone: phone, OpenedTwice: true}, risk.Medium, []risk.Reason{risk.OpenedTwice}},
		{
			"the code was opened in two browsers, and began in one of them",
			risk.Facts{Local: true, OpenedTwice: true},
			risk.Medium,
			[]risk.Reason{risk.OpenedTwice},
		},
		{
			"the code was opened in two browsers, of another network",
			risk.Facts{Desktop: desk, Phone: mobile, OpenedTwice: true},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.OpenedTwice},
		},
		{"an office begins many sign-ins at its own address", risk.Facts{Desktop: desk, Phone: phone, ManyStarts: true}, risk.Low, nil},
		{
			"another network begins many sign-ins",
			risk.Facts{Desktop: desk, Phone: mobile, ManyStarts: true},
			risk.Medium,
			[]risk.Reason{risk.OtherNetwork, risk.ManyStarts},
		},
		{
			"another network begins many sign-ins, in a country where no computer has been",
			risk.Facts{Desktop: spot("203.0.113.5", "FR", ""), Phone: spot("198.51.100.9", "", ""), ManyStarts: true, Countries: []string{"DE"}},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.UnusualCountry, risk.ManyStarts},
		},
		{"somebody has reported the computer", risk.Facts{Desktop: desk, Phone: phone, Reported: true}, risk.Medium, []risk.Reason{risk.Reported}},
		{
			"somebody has reported a computer of another network",
			risk.Facts{Desktop: desk, Phone: mobile, Reported: true},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.Reported},
		},
		{"a known computer elsewhere", risk.Facts{Desktop: desk, Phone: mobile, KnownKey: true}, risk.Low, []risk.Reason{risk.OtherNetwork}},
		{
			"a known computer abroad",
			risk.Facts{Desktop: abroad, Phone: phone, KnownKey: true},
			risk.Medium,
			[]risk.Reason{risk.OtherNetwork, risk.OtherCountry},
		},
		{
			"a known computer of which everything else speaks against it",
			risk.Facts{Desktop: abroad, Phone: phone, KnownKey: true, Countries: []string{"DE"}, OpenedTwice: true, ManyStarts: true, Reported: true},
			risk.High,
			[]risk.Reason{risk.OtherNetwork, risk.OtherCountry, risk.UnusualCountry, risk.OpenedTwice, risk.ManyStarts, risk.Reported},
		},
		{"a known computer beside the phone", risk.Facts{Desktop: desk, Phone: phone, KnownKey: true}, risk.Low, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := risk.Assess(tt.facts)
			if got.Level != tt.want {
				t.Errorf("level: got %s, want %s", got.Level, tt.want)
			}
			if diff := cmp.Diff(tt.why, got.Reasons); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAssessmentTellsItsReasons(t *testing.T) {
	a := risk.Assess(risk.Facts{Desktop: spot("203.0.113.5", "FR", ""), Phone: spot("192.0.2.7", "DE", "")})
	if diff := cmp.Diff([]string{"other_network", "other_country"}, a.Words()); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	if !a.Has(risk.OtherCountry) || a.Has(risk.Reported) {
		t.Errorf("got other country %t and reported %t, want the first alone", a.Has(risk.OtherCountry), a.Has(risk.Reported))
	}
	if words := risk.Assess(risk.Facts{Local: true}).Words(); len(words) != 0 {
		t.Errorf("nothing speaks against it: got %q, want no words", words)
	}
}

var levels = []risk.Level{risk.Low, risk.Medium, risk.High}

func rank(l risk.Level) int { return slices.Index(levels, l) }

func spots() *rapid.Generator[risk.Spot] {
	return rapid.Custom(func(t *rapid.T) risk.Spot {
		return risk.Spot{
			Address:  addresses().Draw(t, "address"),
			Country:  rapid.SampledFrom([]string{"", "DE", "FR"}).Draw(t, "country"),
			Operator: rapid.SampledFrom([]string{"", "AS64500", "AS64501"}).Draw(t, "operator"),
		}
	})
}

func facts() *rapid.Generator[risk.Facts] {
	return rapid.Custom(func(t *rapid.T) risk.Facts {
		f := risk.Facts{
			Local:       rapid.IntRange(0, 9).Draw(t, "local") == 0,
			Desktop:     spots().Draw(t, "desktop"),
			Phone:       spots().Draw(t, "phone"),
			KnownKey:    rapid.Bool().Draw(t, "known key"),
			Countries:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"DE", "FR", "US"}), 0, 3, rapid.ID).Draw(t, "countries"),
			OpenedTwice: rapid.Bool().Draw(t, "opened twice"),
			ManyStarts:  rapid.Bool().Draw(t, "many starts"),
			Reported:    rapid.Bool().Draw(t, "reported"),
		}
		if network := risk.NetworkOf(f.Desktop.Address); network != "" && rapid.IntRange(0, 3).Draw(t, "usual network") == 0 {
			f.Networks = []string{network}
		}
		return f
	})
}

// elsewhere is a network that addresses does not draw.
var elsewhere = netip.MustParseAddr("203.0.113.99")

// worse are the ways in which facts get worse, each leaving the others as they are.
var worse = map[string]func(*risk.Facts){
	"it is not of this very browser": func(f *risk.Facts) { f.Local = false },
	"the key is not known":           func(f *risk.Facts) { f.KnownKey = false },
	"the network is not usual":       func(f *risk.Facts) { f.Networks = nil },
	"the phone is on another network": func(f *risk.Facts) {
		f.Desktop.Address, f.Phone.Address, f.Networks = netip.MustParseAddr("192.0.2.7"), elsewhere, nil
	},
	"nothing is known of the phone's address": func(f *risk.Facts) {
		if risk.Compare(f.Desktop, f.Phone) == risk.Same {
			f.Phone = risk.Spot{Country: f.Phone.Country}
		}
	},
	"the phone is in another country":      func(f *risk.Facts) { f.Phone.Country = "US" }, // which spots does not draw
	"another operator runs its network":    func(f *risk.Facts) { f.Phone.Operator = "AS64999" },
	"the country is not usual":             func(f *risk.Facts) { f.Countries = []string{"CH"} },
	"the code was opened in two browsers":  func(f *risk.Facts) { f.OpenedTwice = true },
	"the address began very many sign-ins": func(f *risk.Facts) { f.ManyStarts = true },
	"somebody has reported the computer":   func(f *risk.Facts) { f.Reported = true },
}

func TestABadFactNeverLowersTheLevel(t *testing.T) {
	for name, worsen := range worse {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				before := facts().Draw(t, "facts")
				after := before
				worsen(&after)
				a, b := risk.Assess(before), risk.Assess(after)
				if rank(b.Level) < rank(a.Level) {
					t.Fatalf("%s became %s: %v, %v", a.Level, b.Level, a.Reasons, b.Reasons)
				}
			})
		})
	}
}

func TestAKnownKeyNeverRaisesTheLevelAndHidesNoReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := facts().Draw(t, "facts")
		f.KnownKey = false
		stranger := risk.Assess(f)
		f.KnownKey = true
		known := risk.Assess(f)
		if rank(known.Level) > rank(stranger.Level) || rank(known.Level) < rank(stranger.Level)-1 {
			t.Fatalf("%s became %s by a known key", stranger.Level, known.Level)
		}
		if !slices.Equal(known.Reasons, stranger.Reasons) {
			t.Fatalf("got %v, want %v as without the key", known.Reasons, stranger.Reasons)
		}
	})
}

func TestOnlyALowLevelHasNoReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := facts().Draw(t, "facts")
		a := risk.Assess(f)
		if rank(a.Level) < 0 || a.Level != risk.Low && len(a.Reasons) == 0 {
			t.Fatalf("got %q with reasons %v", a.Level, a.Reasons)
		}
		if again := risk.Assess(f); again.Level != a.Level || !slices.Equal(again.Reasons, a.Reasons) {
			t.Fatalf("the same facts led to %v and %v", a, again)
		}
	})
}
