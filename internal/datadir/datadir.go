// Package datadir is a worker's data directory: what outlives the process lies there, and the key of the cluster. It is one process's at a
// time.
package datadir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// KeyFile is the name of the file, in a data directory, that holds the key.
const KeyFile = "cluster.key"

const (
	lockFile = "lock"
	keyBytes = 32
)

// Dir is a data directory that is this process's.
type Dir struct {
	path string
	lock *os.File
	key  string
}

// Open takes a directory, which is made if it is missing, for its owner alone, and its key, which is made too. It fails if another process
// has the directory, or others may read the key. It must be closed.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := takeLock(lock); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is the data directory of another process that runs: give each its own", path)
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	d := &Dir{path: path, lock: lock}
	if d.key, err = d.readKey(); err != nil {
		lock.Close()
		return nil, err
	}
	return d, nil
}

// A process that was killed while it started another one, as Python, still has its lock through that for a moment.
const (
	lockWithin = time.Second
	lockPoll   = 10 * time.Millisecond
)

// takeLock locks a file, or says that another process has it.
func takeLock(lock *os.File) error {
	for began := time.Now(); ; time.Sleep(lockPoll) {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Since(began) > lockWithin {
			return err
		}
	}
}

// Close gives the directory up.
func (d *Dir) Close() { d.lock.Close() }

// Key proves that who knows it may change what runs.
func (d *Dir) Key() string { return d.key }

// Path is that of a name in the directory.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Key is the file that holds the key of a data directory.
func Key(dir string) string { return filepath.Join(dir, KeyFile) }

// readKey reads the key, or makes it at the first start.
func (d *Dir) readKey() (string, error) {
	path := d.Path(KeyFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d.makeKey(path)
	}
	if err != nil {
		return "", err
	}
	if others := info.Mode().Perm() & 0o077; others != 0 {
		return "", fmt.Errorf("%s is not its owner's alone (mode %04o): chmod 600 it, or remove it, and another is made",
			path, info.Mode().Perm())
	}
	key, err := ReadKey(path)
	if err != nil {
		return "", err
	}
	if raw, err := hex.DecodeString(key); err != nil || len(raw) != keyBytes {
		return "", fmt.Errorf("%s holds no key, which is %d hexadecimal digits: remove it, and another is made", path, 2*keyBytes)
	}
	return key, nil
}

// makeKey makes a key. Its file has its name only when it is whole and on disk.
func (d *Dir) makeKey(path string) (string, error) {
	raw := make([]byte, keyBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	key := hex.EncodeToString(raw)
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(key + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	if err := os.Rename(part, path); err != nil {
		return "", err
	}
	return key, errors.Join(syncFolder(d.path), syncFolder(filepath.Dir(d.path)))
}

// syncFolder has the names of a folder's files on disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// ReadKey reads a file that holds a key and nothing else.
func ReadKey(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(data))
	if key == "" || strings.ContainsAny(key, " \t\r\n") {
		return "", fmt.Errorf("%s holds no key", path)
	}
	return key, nil
}
