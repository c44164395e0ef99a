package mobileweb

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"
)

// A language is a file here, named by its tag. English is complete and stands in for what another one lacks.
//
//go:embed catalog/*.toml
var catalogFiles embed.FS

// readCatalogs returns all catalogs, and their languages with English first.
func readCatalogs(files fs.FS) (*i18n.Bundle, []language.Tag, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "catalog/*.toml")
	if err != nil {
		return nil, nil, fmt.Errorf("list catalogs: %w", err)
	}
	for _, name := range names {
		if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return bundle, bundle.LanguageTags(), nil
}

// words says things in one language.
type words struct {
	tag       language.Tag
	localizer *i18n.Localizer
}

// say returns the sentence of a key. Arguments come in pairs, a name and its value.
func (w words) say(key string, pairs ...any) (string, error) {
	return w.localize(key, nil, pairs)
}

// count returns the sentence of a key in the plural form of n, which the sentence knows as Count.
func (w words) count(key string, n int, pairs ...any) (string, error) {
	return w.localize(key, n, append(pairs, "Count", n))
}

func (w words) localize(key string, plural any, pairs []any) (string, error) {
	data, err := arguments(pairs)
	if err != nil {
		return "", fmt.Errorf("say %s: %w", key, err)
	}
	text, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: plural})
	if text != "" {
		return text, nil // an error beside a text means that English stood in
	}
	if err == nil {
		err = errors.New("empty sentence")
	}
	return "", fmt.Errorf("say %s: %w", key, err)
}

func arguments(pairs []any) (map[string]any, error) {
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("argument %d is no name", i)
		}
		data[name] = pairs[i+1]
		if text, ok := pairs[i+1].(string); ok {
			data[name] = tame(text)
		}
	}
	return data, nil
}

// ago tells how long ago something was: "just now", then minutes.
func (w words) ago(d time.Duration) (string, error) {
	if d < time.Minute {
		return w.say("time.just_now")
	}
	return w.count("time.minutes_ago", int(d/time.Minute))
}

// wait tells how long to wait, rounded up so that nobody comes back too early.
func (w words) wait(d time.Duration) (string, error) {
	if d <= time.Minute {
		return w.count("time.seconds", max(1, int((d+time.Second-1)/time.Second)))
	}
	return w.count("time.minutes", int((d+time.Minute-1)/time.Minute))
}

// device, here and app return a name, or what stands in for one that nobody declared. Here is the computer that the
// page itself is on.
func (w words) device(name string) (string, error) { return w.named(name, "unnamed.computer") }
func (w words) here(name string) (string, error)   { return w.named(name, "unnamed.here") }
func (w words) app(name string) (string, error)    { return w.named(name, "unnamed.app") }

func (w words) named(name, otherwise string) (string, error) {
	if name = tame(name); name != "" {
		return name, nil
	}
	return w.say(otherwise)
}

// tame makes a foreign name safe to stand inside a sentence. It drops the controls that could reorder or hide the
// words around it, and isolates a name that runs from right to left.
func tame(name string) string {
	name = strings.TrimSpace(strings.Map(dropControls, name))
	for _, r := range name {
		if p, _ := bidi.LookupRune(r); p.Class() == bidi.R || p.Class() == bidi.AL {
			return "\u2068" + name + "\u2069" // FIRST STRONG ISOLATE … POP DIRECTIONAL ISOLATE
		}
	}
	return name
}

func dropControls(r rune) rune {
	if unicode.In(r, unicode.Zl, unicode.Zp) || unicode.IsSpace(r) {
		return ' '
	}
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\ufeff' {
		return -1
	}
	return r
}
