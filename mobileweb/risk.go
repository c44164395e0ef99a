package mobileweb

import (
	"fmt"
	"slices"
)

// Level is how much speaks against a sign-in.
type Level int

const (
	LevelLow    Level = iota
	LevelMedium       // in amber
	LevelHigh         // in red
)

// Medium reports whether the page warns in amber.
func (l Level) Medium() bool { return l == LevelMedium }

// High reports whether it warns in red.
func (l Level) High() bool { return l == LevelHigh }

// Warning is one thing that speaks against a sign-in. The catalogs have a sentence for each.
type Warning int

const (
	WarnOtherNetwork   Warning = iota // computer and phone are on different networks
	WarnUnknownNetwork                // it cannot be told whether they are
	WarnOtherCountry                  // computer and phone are in different countries
	WarnUnusualCountry                // no computer of the person has been in that country
	WarnOpenedTwice                   // the code was opened in two browsers
	WarnManyStarts                    // the computer's address began very many sign-ins
	WarnReported                      // somebody has reported the computer or its address
)

// warnings are their keys in the catalogs.
var warnings = [...]string{
	WarnOtherNetwork:   "warning.other_network",
	WarnUnknownNetwork: "warning.unknown_network",
	WarnOtherCountry:   "warning.other_country",
	WarnUnusualCountry: "warning.unusual_country",
	WarnOpenedTwice:    "warning.opened_twice",
	WarnManyStarts:     "warning.many_starts",
	WarnReported:       "warning.reported",
}

// warning is what the page says of it.
func (w words) warning(warning Warning) (string, error) {
	if warning < 0 || int(warning) >= len(warnings) {
		return "", fmt.Errorf("no words for warning %d", warning)
	}
	return w.say(warnings[warning])
}

// Twice reports whether the code was opened in two browsers when the page was made.
func (c Confirm) Twice() bool { return c.OpenedTwice || slices.Contains(c.Warnings, WarnOpenedTwice) }

// Against are the warnings to be listed, but WarnOpenedTwice, which has a place of its own. At a low risk the row of
// the place tells enough, unless somebody has reported the computer.
func (c Confirm) Against() []Warning {
	return slices.DeleteFunc(slices.Clone(c.Warnings), func(w Warning) bool {
		return w == WarnOpenedTwice || c.Level == LevelLow && w != WarnReported
	})
}

// Risky reports whether the page warns above the facts.
func (c Confirm) Risky() bool { return c.Level != LevelLow || c.Twice() || len(c.Against()) > 0 }
