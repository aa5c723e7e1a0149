// Package python holds the Python package, so that the wallaroo binary needs nothing beside it but an interpreter.
package python

import "embed"

// Source is the package's source: the folder src/wallaroo.
//
//go:embed src/wallaroo/*.py src/wallaroo/py.typed
var Source embed.FS
