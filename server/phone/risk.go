package phone

import (
	"github.com/qrauthd/qrauthd/internal/login"
	"github.com/qrauthd/qrauthd/internal/risk"
	"github.com/qrauthd/qrauthd/mobileweb"
)

// placeOf is what a page may say of where the desktop is.
func placeOf(s login.Sight) mobileweb.Place {
	place := mobileweb.Place{Text: s.Place.Name, Operator: s.Place.Operator}
	if s.Grant.Origin.IsValid() && s.Placed {
		place.Address = s.Grant.Origin.String()
	}
	switch s.Distance {
	case risk.Same:
		place.Network = mobileweb.NetworkSame
	case risk.Other:
		place.Network = mobileweb.NetworkOther
	}
	return place
}

// warnings are the reasons of the risk, as pages know them.
var warnings = map[risk.Reason]mobileweb.Warning{
	risk.OtherNetwork:   mobileweb.WarnOtherNetwork,
	risk.UnknownNetwork: mobileweb.WarnUnknownNetwork,
	risk.OtherCountry:   mobileweb.WarnOtherCountry,
	risk.UnusualCountry: mobileweb.WarnUnusualCountry,
	risk.OpenedTwice:    mobileweb.WarnOpenedTwice,
	risk.ManyStarts:     mobileweb.WarnManyStarts,
	risk.Reported:       mobileweb.WarnReported,
}

func warningsOf(a risk.Assessment) (list []mobileweb.Warning) {
	for _, reason := range a.Reasons {
		list = append(list, warnings[reason])
	}
	return list
}

func levelOf(a risk.Assessment) mobileweb.Level {
	switch a.Level {
	case risk.Medium:
		return mobileweb.LevelMedium
	case risk.High:
		return mobileweb.LevelHigh
	}
	return mobileweb.LevelLow
}
