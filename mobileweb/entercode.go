package mobileweb

import "time"

// EnterCode asks for the code that the computer shows. Its form posts user_code to the issuer's /device.
type EnterCode struct {
	Code    string // what the person typed before, shown again
	Problem CodeProblem
	Wait    time.Duration // with CodeTooManyTries: how long until the next try
}

func (EnterCode) template() string { return "entercode" }

// CodeProblem is what was wrong with a typed code.
type CodeProblem int

const (
	CodeFine CodeProblem = iota
	CodeMissing
	CodeMalformed
	CodeUnknown
	CodeTooManyTries
)

// Missing reports that the field was empty.
func (p CodeProblem) Missing() bool { return p == CodeMissing }

// Malformed reports a code of the wrong length or with letters that no code has.
func (p CodeProblem) Malformed() bool { return p == CodeMalformed }

// Unknown reports a well-formed code that nothing waits under: mistyped, or run out.
func (p CodeProblem) Unknown() bool { return p == CodeUnknown }

// TooManyTries reports that the budget for guesses is spent.
func (p CodeProblem) TooManyTries() bool { return p == CodeTooManyTries }
