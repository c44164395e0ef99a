package desktop

import "github.com/qrauthd/qrauthd/internal/qr"

// QR is a QR code as a square of modules, its quiet zone of four included. Draw
// it dark on light, in a dark theme too, with whole pixels and at least three of
// them a module: scanners want that. The zero QR has no modules.
type QR struct{ matrix qr.Matrix }

// NewQR makes the code for a text, with error correction M. Texts of more than
// about 2300 bytes are an error.
func NewQR(text string) (QR, error) {
	m, err := qr.Encode(text)
	return QR{m}, err
}

// Size is the number of modules on a side.
func (q QR) Size() int { return q.matrix.Size() }

// Dark reports whether the module in column x and row y is dark. Outside of the
// code everything is light.
func (q QR) Dark(x, y int) bool { return q.matrix.Dark(x, y) }

// Terminal draws the code in half blocks, two rows of modules a line, for a
// terminal with light text on a dark ground. It uses no control sequences.
func (q QR) Terminal() string { return q.matrix.Terminal() }
