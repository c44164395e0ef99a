package grant_test

import (
	"testing"

	"github.com/qrauthd/qrauthd/internal/auth"
	"github.com/qrauthd/qrauthd/internal/grant"
)

// opening is what a browser does to a grant that opens it.
type opening func(*testing.T, grant.Grant) grant.Grant

func scanBy(b auth.BrowserID) opening {
	return func(t *testing.T, g grant.Grant) grant.Grant { return must(t)(g.Scan(start, b)) }
}

func claimBy(b auth.BrowserID) opening {
	return func(t *testing.T, g grant.Grant) grant.Grant { return must(t)(g.Claim(start, b, []byte("c"))) }
}

func answerAndAwait(t *testing.T, g grant.Grant) grant.Grant {
	g, _, err := g.Answer(start, phone)
	return must(t)(must(t)(g, err).AwaitNumber(start, phone, ada, wanted, number))
}

func TestASecondBrowserIsNotedForGood(t *testing.T) {
	tests := []struct {
		name  string
		do    []opening
		first auth.BrowserID
		twice bool
	}{
		{"nobody has opened it", nil, "", false},
		{"one browser", []opening{scanBy(phone)}, phone, false},
		{"the same one again", []opening{scanBy(phone), scanBy(phone)}, phone, false},
		{"the same one, which then claims it", []opening{scanBy(phone), claimBy(phone)}, phone, false},
		{"one that claims it at once", []opening{claimBy(phone)}, phone, false},
		{"two", []opening{scanBy(phone), scanBy(other)}, phone, true},
		{"two, and the first again", []opening{scanBy(phone), scanBy(other), scanBy(phone)}, phone, true},
		{"two, of which the second claims it", []opening{scanBy(phone), claimBy(other)}, phone, true},
		{"another one after the claim", []opening{claimBy(phone), scanBy(other)}, phone, true},
		{"another one while the number is awaited", []opening{scanBy(phone), claimBy(phone), answerAndAwait, scanBy(other)}, phone, true},
		{"a claim does not forget the second", []opening{scanBy(phone), scanBy(other), claimBy(phone)}, phone, true},
		{"a visitor without a browser counts for nobody", []opening{scanBy(phone), scanBy("")}, phone, false},
		{"a visitor without a browser, and then one", []opening{scanBy(""), scanBy(phone)}, phone, false},
		{"a visitor without a browser, and then two", []opening{scanBy(""), scanBy(phone), scanBy(other)}, phone, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := pending()
			for _, do := range tt.do {
				g = do(t, g)
			}
			if g.OpenedBy != tt.first || g.OpenedTwice != tt.twice {
				t.Errorf("got opened by %q, twice %t; want %q, %t", g.OpenedBy, g.OpenedTwice, tt.first, tt.twice)
			}
		})
	}
}

func TestASecondBrowserIsNews(t *testing.T) {
	for _, state := range []grant.State{grant.Scanned, grant.Confirming, grant.Verifying} {
		g := in(t, state)
		twice := must(t)(g.Scan(start, other))
		if !twice.OpenedTwice || twice.Seq != g.Seq+1 || twice.State != state {
			t.Errorf("%s: got twice %t, seq %d and %s; want it noted at seq %d", state, twice.OpenedTwice, twice.Seq, twice.State, g.Seq+1)
		}
		if again := must(t)(twice.Scan(start, "a third")); again.Seq != twice.Seq {
			t.Errorf("%s: a third browser moved seq to %d", state, again.Seq)
		}
	}
}

func TestWhatIsDecidedIsNotOpenedAnyMore(t *testing.T) {
	for _, state := range []grant.State{grant.Approved, grant.Redeemed, grant.Denied, grant.Cancelled} {
		g := in(t, state)
		if after, err := g.Scan(start, other); err == nil || after.OpenedTwice {
			t.Errorf("%s: got %v, twice %t; want it refused", state, err, after.OpenedTwice)
		}
	}
}
