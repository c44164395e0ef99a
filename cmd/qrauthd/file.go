package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// parseFile reads a TOML file against the table of settings. Unknown keys are
// faults, and all faults are reported at once.
func parseFile(table []setting, path, text string) ([]value, error) {
	var tree map[string]any
	meta, err := toml.Decode(text, &tree)
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("%w: %s:%d: %s", errUnread, path, syntax.Position.Line, syntax.Message)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errUnread, path, err)
	}
	table = append(slices.Clip(table), policyOfClients(tree)...)
	var list []value
	var faults []error
	for _, key := range meta.Keys() {
		v, err := fileValue(table, meta, tree, key)
		v.from = at(path, text, key)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("%s: %w", v.from, err))
		case v.setting.set != nil:
			v.from += ": " + key.String()
			list = append(list, v)
		}
	}
	return list, errors.Join(faults...)
}

// fileValue is what the file says at the key; no setting for a table of known ones.
func fileValue(table []setting, meta toml.MetaData, tree map[string]any, key toml.Key) (value, error) {
	name := key.String()
	i := slices.IndexFunc(table, func(s setting) bool { return s.key == name })
	if i < 0 {
		return value{}, unknownKey(table, meta, key)
	}
	text, err := valueText(lookup(tree, key))
	if err != nil {
		return value{}, fmt.Errorf("%s: %w", name, err)
	}
	return value{setting: table[i], text: text}, nil
}

// unknownKey is nil for a table that holds settings, and for what stands in a
// table that is unknown itself, which has been reported.
func unknownKey(table []setting, meta toml.MetaData, key toml.Key) error {
	name := key.String()
	known := names(table, func(s setting) string { return s.key })
	switch {
	case key[0] == tableClients && len(key) < 3:
		return clientTable(meta, key)
	case isTable(meta, key) && holds(known, name):
		return nil
	case isTable(meta, key) && key[0] == tableClients:
		return fmt.Errorf("table [%s] is not known: write a client ID with a dot in it in quotes, as in [%s]",
			name, toml.Key{tableClients, strings.Join(key[1:], ".")})
	case isTable(meta, key):
		return unknown("table ["+name+"]", name, append(tables(known), toml.Key{tableClients, key[len(key)-1]}.String()))
	case len(key) > 1 && !holds(known, key[:len(key)-1].String()):
		return nil
	}
	return unknown("key "+name, name, known)
}

// clientTable is nil for the tables on the way to the policy of a client.
func clientTable(meta toml.MetaData, key toml.Key) error {
	if meta.Type(key...) == "Hash" || len(key) > 1 && meta.Type(tableClients) == "ArrayHash" {
		return nil // the latter has been reported
	}
	return fmt.Errorf("%s: wants tables, one for each client, as in [%s.CLIENT_ID]", key, tableClients)
}

// isTable reports whether the key is that of a table, or of an array of them.
func isTable(meta toml.MetaData, key toml.Key) bool {
	return strings.HasSuffix(meta.Type(key...), "Hash")
}

// holds reports whether the table has some of the settings.
func holds(known []string, table string) bool {
	return slices.ContainsFunc(known, func(name string) bool { return strings.HasPrefix(name, table+".") })
}

// tables are those that hold settings.
func tables(known []string) (list []string) {
	for _, name := range known {
		if i := strings.LastIndex(name, "."); i >= 0 {
			list = append(list, name[:i])
		}
	}
	return append(list, tableClients)
}

func lookup(tree map[string]any, key toml.Key) any {
	var at any = tree
	for _, part := range key {
		inner, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = inner[part]
	}
	return at
}

// valueText is a value in the form that the environment would have it in.
func valueText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return "", errors.New("wants a list of strings")
			}
			parts[i] = s
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("wants a string, a number, true or false, or a list of strings")
}

// The lines that open a table or set a key, in the forms that people write.
var (
	tableLine = regexp.MustCompile(`^\s*\[+\s*([^\[\]]+?)\s*\]+`)
	keyLine   = regexp.MustCompile(`^\s*([A-Za-z0-9_."' -]+?)\s*=`)
)

// at is where the key stands: the file, and the line where it can be told.
func at(path, text string, key toml.Key) string {
	var table string
	for i, line := range strings.Split(text, "\n") {
		name := ""
		if m := tableLine.FindStringSubmatch(line); m != nil {
			table = unquoted(m[1]) + "."
			name = unquoted(m[1])
		} else if m := keyLine.FindStringSubmatch(line); m != nil {
			name = table + unquoted(m[1])
		}
		if name == strings.Join(key, ".") {
			return fmt.Sprintf("%s:%d", path, i+1)
		}
	}
	return path
}

func unquoted(s string) string { return strings.NewReplacer(`"`, "", "'", "", " ", "").Replace(s) }
