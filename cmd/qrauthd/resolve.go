package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/qrauthd/qrauthd/server"
)

const (
	defaultListen     = "127.0.0.1:8080"
	defaultConfigFile = "/etc/qrauthd/qrauthd.toml"
	envPrefix         = "QRAUTHD_"
)

// value is what one source says of one setting.
type value struct {
	setting setting
	text    string
	from    string // the source, for messages: "--listen", "QRAUTHD_LISTEN", "qrauthd.toml:3: listen"
}

// errUnread is why nothing is known of what a configuration file says.
var errUnread = errors.New("the configuration file cannot be read")

// resolve puts all sources together: defaults, the file, the environment, the
// flags, each beating the one before. Check says what else must hold. The error
// is a *server.ConfigError with the faults of them all.
func (a *app) resolve(check func(config) error) (config, error) {
	table := settings()
	env, envFaults := fromEnvironment(table, a.environ)
	named := append(env, fromFlags(table, a.flags)...)
	c := defaults(isDemo(named))
	file, fileFaults := fromConfigFile(table, named, c.Demo)

	faults := []error{envFaults, fileFaults}
	for _, v := range append(file, named...) {
		for _, fault := range each(v.setting.set(&c, v.text)) {
			faults = append(faults, fmt.Errorf("%s: %w", v.from, fault))
		}
	}
	if c.DataDir == "" && c.Demo {
		faults = append(faults, c.useDemoData())
	}
	if !errors.Is(fileFaults, errUnread) {
		faults = append(faults, check(c))
	}
	if err := errors.Join(faults...); err != nil {
		return config{}, &server.ConfigError{Faults: err}
	}
	return c, nil
}

// defaults are the base of all. A demo's let anybody in.
func defaults(demo bool) config {
	c := config{Config: server.DefaultConfig(), LogFormat: "text"}
	c.Listen = defaultListen
	c.Demo = demo
	if demo {
		c.Registration = server.RegistrationOpen
	}
	return c
}

func (c *config) useDemoData() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("data: there is no place for a demo's data (%w): name a folder with --data", err)
	}
	c.DataDir = filepath.Join(cache, "qrauthd-demo")
	return nil
}

// isDemo is known before the rest, for the defaults and the file depend on it.
func isDemo(named []value) bool {
	var c config
	for _, v := range named {
		if v.setting.flag == "demo" {
			_ = v.setting.set(&c, v.text) // a fault is reported with the others
		}
	}
	return c.Demo
}

func fromFlags(table []setting, flags map[string]string) (list []value) {
	for _, s := range table {
		if text, ok := flags[s.flag]; ok && s.flag != "" {
			list = append(list, value{s, text, "--" + s.flag})
		}
	}
	return list
}

// fromEnvironment reads the QRAUTHD_* variables. An empty one counts as not set.
func fromEnvironment(table []setting, environ []string) (list []value, err error) {
	var faults []error
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || text == "" {
			continue
		}
		i := slices.IndexFunc(table, func(s setting) bool { return s.env == name })
		if i < 0 {
			faults = append(faults, unknown("variable "+name, name, names(table, func(s setting) string { return s.env })))
			continue
		}
		list = append(list, value{table[i], text, name})
	}
	return list, errors.Join(faults...)
}

// fromConfigFile reads the file that a flag or the environment names, or else the
// default one if there is one. A demo does not pick that up: it needs no
// configuration and must not run on that of the real thing.
func fromConfigFile(table []setting, named []value, demo bool) ([]value, error) {
	var path string
	for _, v := range named {
		if v.setting.flag == "config" {
			path = v.text
		}
	}
	if path == "" && demo {
		return nil, nil
	}
	text, err := os.ReadFile(cmp.Or(path, defaultConfigFile))
	if path == "" && errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	return parseFile(table, cmp.Or(path, defaultConfigFile), string(text))
}

// each are the faults that were joined into one, or the one.
func each(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func names(table []setting, name func(setting) string) (list []string) {
	for _, s := range table {
		if n := name(s); n != "" {
			list = append(list, n)
		}
	}
	return list
}

func unknown(what, name string, known []string) error {
	if near, ok := nearest(name, known); ok {
		return fmt.Errorf("%s is not known: did you mean %s?", what, near)
	}
	return fmt.Errorf("%s is not known", what)
}
