// Package framing says how messages lie in a stream of bytes: behind a header that holds their length, or in lines.
//
// It does no input or output. Whoever reads a stream gives the bytes to a Cutter, and keeps the ones that are not a whole frame yet.
package framing

import (
	"fmt"
	"strings"
)

// Kind names a framing that the tools know.
type Kind string

// The framings of the tools.
const (
	Prefixed Kind = "u32be" // each message behind its length, as U32BE says
	Lines    Kind = "lines" // each message ends with a newline
	Raw      Kind = "raw"   // bytes as they are
	// Resumable is numbered frames that are acknowledged, which package resumable knows.
	Resumable Kind = "resumable"
)

// ParseKind finds a framing by its name. The error lists the names.
func ParseKind(name string) (Kind, error) {
	switch kind := Kind(name); kind {
	case Prefixed, Lines, Raw, Resumable:
		return kind, nil
	}
	return "", fmt.Errorf("unknown framing %q: want one of %s", name, strings.Join(kindNames(), ", "))
}

func kindNames() []string {
	return []string{string(Prefixed), string(Lines), string(Raw), string(Resumable)}
}
