package pyhost

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/wallaroo-stream/wallaroo/python"
)

// packageRoot is the folder of python.Source that goes on Python's path.
const packageRoot = "src"

// PackagePath returns a folder that holds the Python package wallaroo, to be put on Python's path; it lays it out if it is not there yet.
// The folder is named for its content and stays: in the user's cache folder, or, where there is none that can be written, in the system's
// folder for temporary files, in a folder that is the user's alone.
func PackagePath() (string, error) {
	digest, err := digest()
	if err != nil {
		return "", fmt.Errorf("read the Python package in this binary: %w", err)
	}
	var failures []error
	for _, base := range cacheFolders() {
		path, err := layOut(base, digest)
		if err == nil {
			return path, nil
		}
		failures = append(failures, err)
	}
	return "", fmt.Errorf("lay out the Python package: %w; set XDG_CACHE_HOME or TMPDIR to a folder that can be written",
		errors.Join(failures...))
}

// cacheFolders lists the folders to try, best first.
func cacheFolders() []string {
	var folders []string
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, filepath.Join(cache, "wallaroo"))
	}
	return append(folders, filepath.Join(os.TempDir(), "wallaroo-"+strconv.Itoa(os.Getuid())))
}

// layOut returns the package's folder below base. Whoever comes first writes a folder of its own and renames it, so nobody sees half of
// one.
func layOut(base, digest string) (string, error) {
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", err
	}
	if err := checkOwn(base); err != nil {
		return "", err
	}
	path := filepath.Join(base, "python-"+digest)
	if complete(path) {
		return path, nil
	}
	fresh, err := os.MkdirTemp(base, "python-new-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	source, err := fs.Sub(python.Source, packageRoot)
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(fresh, source); err != nil {
		return "", err
	}
	if err := replace(fresh, path); err != nil {
		return "", err
	}
	return path, nil
}

// replace puts a fresh folder in the place of one that is not there or not whole.
func replace(fresh, path string) error {
	if err := os.Rename(fresh, path); err == nil || complete(path) {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Rename(fresh, path)
}

// complete reports whether a folder holds every file of the package as it should be: a cleaner of temporary files may have taken some.
func complete(path string) bool {
	err := fs.WalkDir(python.Source, packageRoot, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		want, err := python.Source.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(packageRoot, name)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(filepath.Join(path, relative))
		if err == nil && string(got) != string(want) {
			err = fs.ErrInvalid
		}
		return err
	})
	return err == nil
}

// checkOwn refuses a folder that somebody else could put code into.
func checkOwn(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", path)
	case !ok || int(owner.Uid) != os.Getuid():
		return fmt.Errorf("%s belongs to another user", path)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written by others", path)
	}
	return nil
}

// digest names the package's content.
func digest() (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(python.Source, packageRoot, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := python.Source.ReadFile(name)
		fmt.Fprintf(hash, "%s %d\n", name, len(data))
		hash.Write(data)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}
