package peer

import "fmt"

// Format is how messages lie in a file, which a Sender reads and a Receiver writes.
type Format string

// The formats of files. In Hex and Frames messages may be any bytes.
const (
	FormatLines  Format = "lines"  // each on a line
	FormatHex    Format = "hex"    // each on a line, two hexadecimal digits for a byte
	FormatFrames Format = "frames" // each behind its length, as framing.U32BE says
)

// ParseFormat finds a format by its name. The error lists the names.
func ParseFormat(name string) (Format, error) {
	switch format := Format(name); format {
	case FormatLines, FormatHex, FormatFrames:
		return format, nil
	}
	return "", fmt.Errorf("unknown format %q: want one of %s, %s, %s", name, FormatLines, FormatHex, FormatFrames)
}
