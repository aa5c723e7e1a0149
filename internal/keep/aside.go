package keep

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/bucket"
)

// asideFormat is how the time stands in the name of what was set aside.
const asideFormat = "20060102-150405.000"

// SetsAside reports whether a place is in what SetAside moves.
func SetsAside(dir string, place bucket.Place) bool {
	for _, name := range []string{journalFolder, checkpointsFolder} {
		own, err := filepath.Abs(filepath.Join(dir, name))
		if inside, errRel := filepath.Rel(own, place.Folder()); err == nil && errRel == nil && filepath.IsLocal(inside) {
			return true
		}
	}
	return false
}

// SetAside moves all that a data directory keeps into a folder in it, whose path it returns; "" if nothing is kept. others are names in it
// that belong to it too.
func SetAside(dir string, now time.Time, others ...string) (string, error) {
	aside := filepath.Join(dir, "set-aside-"+now.UTC().Format(asideFormat))
	moved := ""
	for _, name := range append([]string{journalFolder, checkpointsFolder, historyFile}, others...) {
		from := filepath.Join(dir, name)
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return "", err
		}
		if err := os.Rename(from, filepath.Join(aside, name)); err != nil {
			return "", err
		}
		moved = aside
	}
	return moved, nil
}
