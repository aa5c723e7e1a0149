package partition

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tagNone is that of the key None, which Python alone has.
const tagNone = 0

// Show is a key for people, as Python writes it, made of its canonical bytes. Bytes that are no key's are shown as such.
func Show(key []byte) string {
	if shown, ok := show(key); ok {
		return shown
	}
	return fmt.Sprintf("no key: %x", key)
}

func show(key []byte) (string, bool) {
	if len(key) == 0 {
		return "", false
	}
	data := key[1:]
	switch key[0] {
	case tagNone:
		return "None", len(data) == 0
	case tagFalse:
		return "False", len(data) == 0
	case tagTrue:
		return "True", len(data) == 0
	case tagInteger:
		return showInteger(data), len(data) > 0
	case tagText:
		return strconv.Quote(string(data)), utf8.Valid(data)
	case tagBytes:
		return "b" + quoteBytes(data), true
	case tagTuple:
		return showTuple(data)
	default:
		return "", false
	}
}

// showInteger shows two's complement of any length.
func showInteger(data []byte) string {
	n := new(big.Int).SetBytes(data)
	if len(data) > 0 && data[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(data))))
	}
	return n.String()
}

func quoteBytes(data []byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range data {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func showTuple(data []byte) (string, bool) {
	var parts []string
	for len(data) > 0 {
		if len(data) < 4 || uint64(len(data)-4) < uint64(binary.BigEndian.Uint32(data)) {
			return "", false
		}
		size := 4 + int(binary.BigEndian.Uint32(data))
		part, ok := show(data[4:size])
		if !ok {
			return "", false
		}
		parts, data = append(parts, part), data[size:]
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)", true
	}
	return "(" + strings.Join(parts, ", ") + ")", true
}
