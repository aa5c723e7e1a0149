package keep

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/store"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// history is what tells one history of an application from all others, and its runs from each other, as its file says it: on a line of
// JSON, and on another the CRC-32C of that in 8 hexadecimal digits.
type history struct {
	Cluster string `json:"cluster"` // 16 hexadecimal digits
	Run     uint64 `json:"run"`     // the last one; 0 if there was none
	// Checkpoint is the name of the last one that was committed, and Epoch its epoch: so it is noticed if it is missing.
	Checkpoint string `json:"checkpoint,omitempty"`
	Epoch      uint64 `json:"epoch,omitempty"`
	// Skips are messages that executors have died of, behind that checkpoint.
	Skips []worker.Skip `json:"skips,omitempty"`
	// Store is the URL of the place of the checkpoints; "" for the folder in the data directory.
	Store string `json:"store,omitempty"`
	// From is what the history began with, if that was a savepoint or the checkpoints of a data directory that was lost.
	From string `json:"from,omitempty"`
	// JournalSince is the first run whose checkpoints tell of this journal: in older ones positions are those of another.
	JournalSince uint64 `json:"journal_since,omitempty"`
	// Parents are the histories that it came of by savepoints.
	Parents []string `json:"parents,omitempty"`
}

const historyFile = "history"

// Own are the ids of the history that a data directory keeps, and of those that it came of; none if it keeps none yet.
func Own(dir string) ([]string, error) {
	h, err := readHistory(dir)
	if err != nil || h.Cluster == "" {
		return nil, err
	}
	return append([]string{h.Cluster}, h.Parents...), nil
}

// Cluster is the id of the history that a data directory keeps, which is made if it keeps none yet.
func Cluster(dir string) (string, error) {
	h, err := readHistory(dir)
	if err != nil || h.Cluster != "" {
		return h.Cluster, err
	}
	for _, name := range []string{journalFolder, checkpointsFolder} { // they are made after it
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return "", errors.Join(err, fmt.Errorf("%s is missing, and %s is there: restore it, or begin anew with --fresh",
				filepath.Join(dir, historyFile), filepath.Join(dir, name)))
		}
	}
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	h.Cluster = hex.EncodeToString(raw)
	return h.Cluster, h.write(dir)
}

// readHistory reads the file; the zero value if there is none.
func readHistory(dir string) (h history, err error) {
	path := filepath.Join(dir, historyFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	text, sum, _ := strings.Cut(string(data), "\n")
	if err := json.Unmarshal([]byte(text), &h); err != nil || h.Cluster == "" || sum != checksum([]byte(text)) {
		return h, &historyError{path}
	}
	return h, nil
}

// historyError is a file of a history that is not as it was written.
type historyError struct{ path string }

func (h *historyError) Error() string {
	return h.path + " is damaged, and does not say which history is kept: restore it, or begin anew with --fresh"
}

func checksum(line []byte) string {
	return fmt.Sprintf("%08x\n", crc32.Checksum(line, crc32.MakeTable(crc32.Castagnoli)))
}

// write writes the file, whole or not at all, and returns when it is on disk.
func (h *history) write(dir string) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, historyFile)
	f, err := os.OpenFile(path+store.PartSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s\n%s", data, checksum(data))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+store.PartSuffix, path); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
