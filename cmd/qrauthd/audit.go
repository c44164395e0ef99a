package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/qrauthd/qrauthd/internal/admin"
	"github.com/qrauthd/qrauthd/internal/audit"
	"github.com/qrauthd/qrauthd/internal/auth"
)

type auditList struct {
	place
	Type   string `placeholder:"TYPE" help:"Events of this type only, such as sign_in.denied, or of all that begin so, such as \"sign_in.\"."`
	Client string `placeholder:"ID" help:"Events of this application only."`
	User   string `placeholder:"ID-OR-NAME" help:"Events of this account only. Records that have forgotten whom they are about are not found."`
	Since  moment `placeholder:"TIME" help:"Not before: a time (2026-03-01T12:00:00Z), a day (2026-03-01, in UTC), or so long ago (90m, 24h, 7d)."`
	Until  moment `placeholder:"TIME" help:"Only what was before."`
	Limit  uint   `default:"50" help:"Print the newest so many; 0: all (default: 50)."`
	JSON   bool   `name:"json" help:"Print JSON, one object a line."`
}

// Help is the part below the flags.
func (auditList) Help() string {
	return `The oldest comes first. Who, from where and on which computer is forgotten at the age that audit.keep says; what happened is not. It does not find out whether somebody changed the log: "audit verify" does.

Examples:

    qrauthd audit list --data /var/lib/qrauthd
    qrauthd audit list --type sign_in.denied --since 7d
    qrauthd audit list --user "Ada Lovelace" --since 2026-03-01 --until 2026-04-01 --limit 0
    qrauthd audit list --type session.reported --json --limit 0 | jq .personal.address`
}

// Run lists records.
func (cmd auditList) Run(a *app) error {
	return a.operate(func(_ config, o admin.Operator) error {
		lines, err := o.AuditTrail(a.ctx, admin.Trail{
			Type: cmd.Type, Client: auth.ClientID(cmd.Client), User: cmd.User,
			Since: cmd.Since.Time, Until: cmd.Until.Time, Limit: int(cmd.Limit),
		})
		if err != nil {
			return err
		}
		if cmd.JSON {
			return printLines(a.stdout, lines)
		}
		if cmd.Limit > 0 && len(lines) == int(cmd.Limit) {
			fmt.Fprintf(a.stderr, "The newest %d; there may be more, which a higher --limit shows, or 0 for all.\n", cmd.Limit)
		}
		return printTrail(a.stdout, lines)
	})
}

// printLines prints one JSON object a line.
func printLines(w io.Writer, lines []audit.Line) error {
	e := newLineEncoder(w)
	for _, line := range lines {
		if err := e.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// newLineEncoder leaves the bytes of a line's personal data as they were hashed.
func newLineEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func printTrail(w io.Writer, lines []audit.Line) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SEQ\tTIME (UTC)\tEVENT\tBY\tCLIENT\tUSER\tDETAILS")
	for _, l := range lines {
		cells := []string{
			strconv.FormatInt(l.Seq, 10), inSeconds(l.Time), string(l.Type), string(l.Actor),
			string(l.ClientID), userOf(l), strings.Join(details(l), "; "),
		}
		for i, cell := range cells {
			cells[i] = printable(cell)
			if cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// inSeconds is a line's time as people read it.
func inSeconds(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format(time.DateTime)
}

func userOf(l audit.Line) string {
	if l.Personal == nil {
		return ""
	}
	return reporter(string(l.Personal.UserID), l.Personal.UserName)
}

// details are what else there is to tell of the record.
func details(l audit.Line) (list []string) {
	if l.Risk != "" {
		risk := l.Risk + " risk"
		if len(l.Reasons) > 0 {
			risk += " (" + strings.Join(l.Reasons, ", ") + ")"
		}
		list = append(list, risk)
	}
	if l.Note != "" {
		list = append(list, l.Note)
	}
	switch {
	case l.Personal != nil:
		list = append(list, whereabouts(l.Personal.Personal)...)
	case l.Forgotten:
		list = append(list, "the rest is forgotten")
	case l.PersonalHash != "":
		list = append(list, `the rest cannot be read: run "qrauthd audit verify"`)
	}
	return list
}

// whereabouts are the computer, and the places from where something was done.
func whereabouts(p auth.Personal) (list []string) {
	add := func(what, is string) {
		if is != "" {
			list = append(list, what+" "+is)
		}
	}
	add("computer", p.DeviceName)
	add("at", atPlace(p.DesktopOrigin, p.Place))
	add("key", p.KeyThumbprint)
	add("passkey", p.Passkey)
	add("from", atPlace(p.Address, ""))
	return list
}

func atPlace(addr netip.Addr, place string) string {
	switch {
	case !addr.IsValid():
		return place
	case place == "":
		return addr.String()
	}
	return addr.String() + " (" + place + ")"
}

// printable is text of which a terminal prints every character and obeys none. Who can
// change the database can have written anything there.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// moment is a time on the command line.
type moment struct{ time.Time }

// UnmarshalText reads a time, a day, or how long ago.
func (m *moment) UnmarshalText(text []byte) (err error) {
	m.Time, err = parseMoment(time.Now(), string(text))
	return err
}

func parseMoment(now time.Time, text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	if ago, err := parseAgo(text); err == nil && ago >= 0 {
		return now.Add(-ago).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: use forms such as 2026-03-01T12:00:00Z, 2026-03-01, 24h or 7d", text)
}

// parseAgo is time.ParseDuration, with days.
func parseAgo(text string) (time.Duration, error) {
	digits, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	days, err := strconv.ParseUint(digits, 10, 16)
	return time.Duration(days) * 24 * time.Hour, err
}
