package main

import (
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"
)

// settings are the command line.
type settings struct {
	amounts
	binary  string
	data    string
	json    string
	compare string
	profile string
	log     string
	only    *regexp.Regexp
	strict  bool
	timeout time.Duration
}

const usage = `Measures a built qrauthd beside a bare net/http handler, on loopback.
docs/benchmarks.md says what the figures mean.

`

// parse reads the arguments. What is wrong with them it has told when it returns.
func parse(args []string, out io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { _, _ = io.WriteString(out, usage); flags.PrintDefaults() }
	var short bool
	var rounds int
	flags.BoolVar(&short, "short", false, "about two minutes, with smaller crowds")
	flags.IntVar(&rounds, "rounds", 0, "`rounds` in which yardstick and rates alternate (default 5, 2 with -short)")
	flags.StringVar(&s.binary, "binary", "", "the server's `file` (default: it is built, stripped)")
	flags.StringVar(&s.data, "data", "", "`folder` in which databases are made, and removed (default: that of temporary files)")
	flags.StringVar(&s.json, "json", "", "write the figures to this `file`")
	flags.StringVar(&s.compare, "compare", "", "compare with the figures in this `file`")
	flags.StringVar(&s.profile, "profile", "", "measure nothing, and leave profiles in this `folder`")
	flags.StringVar(&s.log, "log", "", "add the servers' logs to this `file` (default: they are thrown away)")
	flags.BoolVar(&s.strict, "strict", false, "exit with 1 when a goal is missed")
	flags.DurationVar(&s.timeout, "timeout", 10*time.Minute, "bound of the whole run")
	s.only = regexp.MustCompile("")
	flags.Func("only", "measure only what this `regexp` matches, of "+names(), func(text string) (err error) {
		s.only, err = regexp.Compile(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if err := s.check(flags.Args()); err != nil {
		fmt.Fprintln(out, err)
		return s, err
	}
	s.amounts = full
	if short {
		s.amounts = brief
	}
	if rounds > 0 {
		s.Rounds = rounds
	}
	if s.profile != "" {
		s.amounts = s.amounts.longer()
	}
	return s, nil
}

func (s settings) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not a flag", rest[0])
	case !slices.ContainsFunc(choices(), s.only.MatchString):
		return fmt.Errorf("-only %s matches nothing: there are %s", s.only, names())
	}
	return nil
}
