package grant

import (
	"fmt"
	"io"
)

// NumberDigits is the length of the number that a person takes from the phone to the
// desktop.
const NumberDigits = 2

// NewNumber draws one, 00 to 99, each as likely as the other.
func NewNumber(random io.Reader) (string, error) {
	const numbers = 100
	b := make([]byte, 1)
	for {
		if _, err := io.ReadFull(random, b); err != nil {
			return "", fmt.Errorf("draw a number: %w", err)
		}
		if b[0] < 256/numbers*numbers { // what is above would favour the small ones
			return fmt.Sprintf("%0*d", NumberDigits, b[0]%numbers), nil
		}
	}
}
