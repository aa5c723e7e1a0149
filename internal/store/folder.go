package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// folder is a bucket in a folder of a disk.
type folder string

// Folder is a bucket whose objects are the files of a folder; parts of names are folders in it. They are made when the first object is
// written, for their owner alone. Files and folders are fsynced. The disk must know hard links.
func Folder(path string) Bucket { return folder(path) }

// path is that of an object's file.
func (f folder) path(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("%q cannot be the name of an object: give parts that are separated by single slashes", name)
	}
	return filepath.Join(string(f), filepath.FromSlash(name)), nil
}

func (f folder) Write(ctx context.Context, name string, content func(io.Writer) error) error {
	path, err := f.path(name)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = makeFolder(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	part, err := claimFile(path + PartSuffix)
	if err != nil {
		return err
	}
	defer part.Close()
	err = writeFile(part, content)
	if err == nil {
		// A link, other than a rename, does not overwrite.
		err = os.Link(part.Name(), path)
	}
	return errors.Join(err, removeIfThere(part.Name()), syncFolder(filepath.Dir(path)))
}

// claimFile opens a file, made anew if it is missing, that nobody else writes until it is closed: two processes may want to make the same
// object.
func claimFile(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
		mine, errMine := file.Stat()
		there, errThere := os.Stat(path)
		if err = errors.Join(err, errMine); err == nil && errThere == nil && os.SameFile(mine, there) {
			return file, nil
		}
		file.Close()
		if err != nil {
			return nil, err
		}
	}
}

// writeFile has what content writes on disk, and nothing else in the file.
func writeFile(file *os.File, content func(io.Writer) error) error {
	err := file.Truncate(0)
	if err == nil {
		err = content(file)
	}
	if err == nil {
		err = file.Sync()
	}
	return err
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeFolder makes a folder and those above it that are missing; their names are on disk then.
func makeFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(path)
	if above != path {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(above)
}

// syncFolder has the names of a folder's files on disk.
func syncFolder(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}

func (f folder) Read(ctx context.Context, name string) ([]byte, error) {
	path, err := f.path(name)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func (f folder) ReadAt(ctx context.Context, name string, dst []byte, offset int64) error {
	path, err := f.path(name)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if offset < 0 || int64(len(dst)) > info.Size()-offset {
		return fmt.Errorf("%s has %d bytes, which is less than %d from %d on: %w", path, info.Size(), len(dst), offset, io.ErrUnexpectedEOF)
	}
	if _, err := file.ReadAt(dst, offset); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func (f folder) List(ctx context.Context, prefix string) ([]Listed, error) {
	var list []Listed
	under := string(f)
	if parts, _, found := strings.CutLast(prefix, "/"); found {
		path, err := f.path(parts)
		if err != nil {
			return nil, err
		}
		under = path
	}
	err := filepath.WalkDir(under, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was deleted meanwhile, or nothing was ever written
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		relative, err := filepath.Rel(string(f), path)
		name := filepath.ToSlash(relative)
		if err != nil || !strings.HasPrefix(name, prefix) {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			list = append(list, Listed{Name: name, Bytes: info.Size()})
		}
		return err
	})
	slices.SortFunc(list, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}

func (f folder) Delete(ctx context.Context, name string) error {
	path, err := f.path(name)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncFolder(filepath.Dir(path)))
}
