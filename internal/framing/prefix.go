package framing

import (
	"errors"
	"fmt"
	"math"
)

// MaxHeader is how many bytes a header may have, pad bytes included.
const MaxHeader = 4096

// Order is the order of an integer's bytes.
type Order string

// The byte orders.
const (
	BigEndian    Order = "big"
	LittleEndian Order = "little"
)

// LengthPrefix is the header that leads each frame: one integer, possibly among pad bytes, which says how many bytes of payload follow the
// header. It does not count the header itself.
type LengthPrefix struct {
	Header int   `json:"header"` // bytes of the whole header
	Offset int   `json:"offset"` // where in the header the integer begins
	Width  int   `json:"width"`  // bytes of the integer: 1 to 8
	Order  Order `json:"order"`
	Signed bool  `json:"signed"`
}

// U32BE is a header of four bytes that are one unsigned integer, the most significant byte first.
var U32BE = LengthPrefix{Header: 4, Width: 4, Order: BigEndian}

// Validate reports everything that makes p no header, all of it together.
func (p LengthPrefix) Validate() error {
	var wrong []error
	if p.Header < 1 || p.Header > MaxHeader {
		wrong = append(wrong, fmt.Errorf("a header of %d bytes: want 1 to %d", p.Header, MaxHeader))
	}
	if p.Width < 1 || p.Width > 8 {
		wrong = append(wrong, fmt.Errorf("a length of %d bytes: want 1 to 8", p.Width))
	}
	if p.Order != BigEndian && p.Order != LittleEndian {
		wrong = append(wrong, fmt.Errorf("a length in byte order %q: want %q or %q", p.Order, BigEndian, LittleEndian))
	}
	if p.Offset < 0 || p.Offset > p.Header-p.Width {
		wrong = append(wrong, fmt.Errorf("a length of %d bytes at offset %d does not fit into a header of %d bytes", p.Width, p.Offset, p.Header))
	}
	return errors.Join(wrong...)
}

// Length reads the length in a header, of which all p.Header bytes must be there. The error is a *FrameError for a length that is negative
// or above the largest int64.
func (p LengthPrefix) Length(header []byte) (int64, error) {
	if len(header) < p.Header {
		return 0, fmt.Errorf("%d bytes of a header of %d", len(header), p.Header)
	}
	integer := header[p.Offset : p.Offset+p.Width]
	length := p.integer(integer)
	if length < 0 {
		return 0, &FrameError{Header: string(integer), Length: length, Signed: p.Signed}
	}
	return length, nil
}

// integer reads the integer that is b. An unsigned one above the largest int64 comes out negative.
func (p LengthPrefix) integer(b []byte) int64 {
	n := uint64(0)
	for i := range b {
		if p.Order == LittleEndian {
			i = len(b) - 1 - i
		}
		n = n<<8 | uint64(b[i])
	}
	if p.Signed {
		unused := 64 - 8*p.Width
		return int64(n<<unused) >> unused
	}
	return int64(n)
}

// Max is the largest length that a header can hold.
func (p LengthPrefix) Max() int64 {
	bits := 8 * p.Width
	if p.Signed || p.Width == 8 {
		bits--
	}
	return math.MaxInt64 >> (63 - bits)
}

// AppendHeader appends the header of a payload of n bytes; n must be from 0 to p.Max(). Pad bytes are zero.
func (p LengthPrefix) AppendHeader(dst []byte, n int) []byte {
	for at := range p.Header {
		place := at - p.Offset // of the byte in the integer
		if place < 0 || place >= p.Width {
			dst = append(dst, 0)
			continue
		}
		if p.Order == BigEndian {
			place = p.Width - 1 - place
		}
		dst = append(dst, byte(uint64(n)>>(8*place)))
	}
	return dst
}
