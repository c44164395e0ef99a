// Package qr makes QR codes as squares of modules, for whoever draws them. It is
// the only package that knows the library underneath.
package qr

import (
	"fmt"
	"strings"

	qrcode "github.com/skip2/go-qrcode"
)

// QuietZone is the width, in modules, of the light margin that scanners need
// (ISO/IEC 18004 section 9.1). It is part of every Matrix.
const QuietZone = 4

// Matrix is a QR code as a square of modules, its quiet zone included.
type Matrix struct {
	size int
	dark []bool // row by row
}

// Encode makes the code for a text, in the smallest version that holds it with
// error correction M. A text of more than about 2300 bytes fits in none.
func Encode(text string) (Matrix, error) {
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return Matrix{}, fmt.Errorf("encode %d bytes as a QR code: %w", len(text), err)
	}
	rows := code.Bitmap()
	m := Matrix{size: len(rows)}
	for _, row := range rows {
		m.dark = append(m.dark, row...)
	}
	return m, nil
}

// Size is the number of modules on a side, twice the quiet zone included.
func (m Matrix) Size() int { return m.size }

// Dark reports whether the module in column x and row y is dark. Outside of the
// square everything is light.
func (m Matrix) Dark(x, y int) bool {
	if x < 0 || y < 0 || x >= m.size || y >= m.size {
		return false
	}
	return m.dark[y*m.size+x]
}

// Terminal draws the code in half blocks, two rows of modules a line, without
// control sequences. Light modules are the blocks, so that it reads dark on
// light where the terminal's text is light on a dark ground.
func (m Matrix) Terminal() string {
	var b strings.Builder
	for y := 0; y < m.size; y += 2 {
		for x := range m.size {
			b.WriteRune(block(m.Dark(x, y), m.Dark(x, y+1)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func block(darkAbove, darkBelow bool) rune {
	switch {
	case darkAbove && darkBelow:
		return ' '
	case darkAbove:
		return '▄'
	case darkBelow:
		return '▀'
	}
	return '█'
}
