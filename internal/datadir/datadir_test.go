package datadir_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/datadir"
)

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestAKeyIsMadeOnceAndIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some", "data")
	first, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Key()) != 64 || mode(t, path) != 0o700 || mode(t, first.Path(datadir.KeyFile)) != 0o600 {
		t.Errorf("key %q, modes %o and %o", first.Key(), mode(t, path), mode(t, first.Path(datadir.KeyFile)))
	}
	first.Close()
	again, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if read, err := datadir.ReadKey(again.Path(datadir.KeyFile)); again.Key() != first.Key() || read != first.Key() || err != nil {
		t.Errorf("keys %q, %q and %q, %v", first.Key(), again.Key(), read, err)
	}
	other, err := datadir.Open(filepath.Join(t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if other.Key() == first.Key() {
		t.Error("two directories have one key")
	}
}

func TestADirectoryIsOneProcesss(t *testing.T) {
	path := t.TempDir()
	dir, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(path); err == nil || !strings.Contains(err.Error(), "another process that runs") {
		t.Errorf("opened twice: %v", err)
	}
	dir.Close()
	again, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "holds no key",
		"two words":                    "holds no key",
		"short":                        "which is 64 hexadecimal digits",
		strings.Repeat("xy", 32):       "which is 64 hexadecimal digits",
		strings.Repeat("ab", 32) + "a": "which is 64 hexadecimal digits",
	} {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, datadir.KeyFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := datadir.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, datadir.KeyFile), []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(path, datadir.KeyFile), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(path); err == nil || !strings.Contains(err.Error(), "(mode 0640): chmod 600 it") {
		t.Errorf("a key that others may read: %v", err)
	}
}

// TestALockThatIsGivenUpSoonIsAwaited is about a process that was killed while it started another one, which still has its files until it
// runs a program of its own.
func TestALockThatIsGivenUpSoonIsAwaited(t *testing.T) {
	path := t.TempDir()
	first, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, first.Close)
	second, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}
