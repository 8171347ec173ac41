// Package qr draws QR codes (ISO/IEC 18004) for short texts: byte mode, error correction level L, versions 1 to 5.
package qr

import (
	"errors"
	"fmt"
	"strings"
)

// TextMax is the longest text that fits, in bytes.
const TextMax = 106

// ErrTooLong is returned for a longer text.
var ErrTooLong = errors.New("qr: the text is too long")

// version is a size of the code. At level L all of these have one block of data and one of correction.
type version struct{ number, data, correction int }

func versions() []version {
	return []version{{1, 19, 7}, {2, 34, 10}, {3, 55, 15}, {4, 80, 20}, {5, 108, 26}}
}

// The parts of the code.
const (
	finderSize = 7
	timing     = 6 // row and column of the timing pattern
	quiet      = 4 // modules of margin
	formatMask = 0x5412
	formatPoly = 0x537
	levelL     = 1
)

// Code is a square of modules; true is dark.
type Code struct {
	size     int
	dark     [][]bool
	reserved [][]bool // not for data
}

// Encode draws a text.
func Encode(text string) (*Code, error) {
	for _, v := range versions() {
		if len(text)+2 <= v.data { // mode and length take 12 bits, the end up to 4
			c := newCode(v)
			c.place(append(codewords(text, v), correct(codewords(text, v), v.correction)...))
			c.finish()
			return c, nil
		}
	}
	return nil, ErrTooLong
}

// codewords are mode, length, text, end and padding.
func codewords(text string, v version) []byte {
	bits := &bitWriter{}
	bits.write(4, 4) // byte mode
	bits.write(len(text), 8)
	for _, b := range []byte(text) {
		bits.write(int(b), 8)
	}
	bits.write(0, 4)
	for pad := 0; len(bits.bytes) < v.data; pad++ {
		bits.bytes = append(bits.bytes, [2]byte{0xEC, 0x11}[pad%2])
	}
	return bits.bytes
}

type bitWriter struct {
	bytes []byte
	used  int
}

func (w *bitWriter) write(value, count int) {
	for i := count - 1; i >= 0; i-- {
		if w.used%8 == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[w.used/8] |= byte(value>>i&1) << (7 - w.used%8)
		w.used++
	}
}

// multiply multiplies in the field of 256 elements with the polynomial 0x11D.
func multiply(a, b byte) byte {
	var product byte
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		carry := a >> 7
		a = a<<1 ^ carry*0x1D
	}
	return product
}

// correct returns the Reed-Solomon codewords of data: the remainder after division by (x-1)(x-2)(x-4)…
func correct(data []byte, count int) []byte {
	generator := make([]byte, count)
	generator[count-1] = 1
	root := byte(1)
	for range count {
		for i := range count {
			generator[i] = multiply(generator[i], root)
			if i+1 < count {
				generator[i] ^= generator[i+1]
			}
		}
		root = multiply(root, 2)
	}
	remainder := make([]byte, count)
	for _, b := range data {
		factor := b ^ remainder[0]
		copy(remainder, remainder[1:])
		remainder[count-1] = 0
		for i, g := range generator {
			remainder[i] ^= multiply(g, factor)
		}
	}
	return remainder
}

// newCode draws what is the same in all codes of a version.
func newCode(v version) *Code {
	c := &Code{size: 17 + 4*v.number}
	for range c.size {
		c.dark, c.reserved = append(c.dark, make([]bool, c.size)), append(c.reserved, make([]bool, c.size))
	}
	for i := range c.size {
		c.set(i, timing, i%2 == 0)
		c.set(timing, i, i%2 == 0)
	}
	far := c.size - finderSize
	for _, corner := range [][2]int{{0, 0}, {far, 0}, {0, far}} {
		c.finder(corner[0], corner[1])
	}
	if v.number > 1 {
		at := c.size - finderSize - 2
		for dx := range 5 {
			for dy := range 5 {
				c.set(at+dx, at+dy, max(abs(dx-2), abs(dy-2)) != 1)
			}
		}
	}
	for i := range 9 { // the places of the format
		c.reserve(i, 8)
		c.reserve(8, i)
		if i < 8 {
			c.reserve(c.size-1-i, 8)
			c.reserve(8, c.size-1-i)
		}
	}
	c.set(8, c.size-8, true)
	return c
}

func abs(n int) int { return max(n, -n) }

// set draws a module that is not for data.
func (c *Code) set(x, y int, dark bool) { c.dark[y][x], c.reserved[y][x] = dark, true }

func (c *Code) reserve(x, y int) { c.reserved[y][x] = true }

// finder draws one of the three large squares with its light border.
func (c *Code) finder(left, top int) {
	for x := left - 1; x <= left+finderSize; x++ {
		for y := top - 1; y <= top+finderSize; y++ {
			if x >= 0 && y >= 0 && x < c.size && y < c.size {
				ring := max(abs(x-left-3), abs(y-top-3))
				c.set(x, y, ring != 2 && ring != 4)
			}
		}
	}
}

// place fills in the codewords, in columns of two from the right, up and down.
func (c *Code) place(words []byte) {
	bit, up := 0, true
	for right := c.size - 1; right > 0; right -= 2 {
		if right == timing {
			right--
		}
		for i := range c.size {
			y := i
			if up {
				y = c.size - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if c.reserved[y][x] {
					continue
				}
				c.dark[y][x] = bit < 8*len(words) && words[bit/8]>>(7-bit%8)&1 == 1
				bit++
			}
		}
		up = !up
	}
}

// finish turns over every module in a chessboard, mask 0, and says so in the format. Readers take any mask.
func (c *Code) finish() {
	for y := range c.size {
		for x := range c.size {
			if !c.reserved[y][x] && (x+y)%2 == 0 {
				c.dark[y][x] = !c.dark[y][x]
			}
		}
	}
	format := levelL << 3
	rest := format
	for range 10 {
		rest = rest<<1 ^ (rest >> 9 * formatPoly)
	}
	bits := (format<<10 | rest) ^ formatMask
	for i := range 15 {
		dark := bits>>i&1 == 1
		c.formatModule(i, dark)
	}
}

// formatModule draws a bit of the format at both of its places.
func (c *Code) formatModule(i int, dark bool) {
	switch {
	case i < 6:
		c.dark[i][8] = dark
	case i < 8:
		c.dark[i+1][8] = dark
	case i == 8:
		c.dark[8][7] = dark
	default:
		c.dark[8][14-i] = dark
	}
	if i < 8 {
		c.dark[8][c.size-1-i] = dark
	} else {
		c.dark[c.size-15+i][8] = dark
	}
}

// SVG is the code as an image with its margin, and a label for those who cannot see it, which must be plain text.
func (c *Code) SVG(label string) string {
	var path strings.Builder
	for y := range c.size {
		for x := range c.size {
			if c.dark[y][x] {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	side := c.size + 2*quiet
	return fmt.Sprintf(`<svg role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#000" d="%s"/></svg>`, label, side, side, path.String())
}

// String draws the code with letters: # is dark.
func (c *Code) String() string {
	var text strings.Builder
	for y := range c.size {
		for x := range c.size {
			text.WriteByte(" #"[btoi(c.dark[y][x])])
		}
		text.WriteByte('\n')
	}
	return text.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
