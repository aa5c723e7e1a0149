package keep

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// damage is something that is done to the bytes of a file; nil for a file that is gone.
type damage struct {
	what string
	do   func(data []byte) []byte
}

// damages are those of a file of so many bytes.
func damages(size int) []damage {
	list := []damage{
		{"removed", func([]byte) []byte { return nil }},
		{"longer", func(data []byte) []byte { return append(data, 'x') }},
	}
	step := max(1, size/16)
	for at := 0; at < size; at += step {
		list = append(list,
			damage{fmt.Sprint("a bit flipped at ", at), func(data []byte) []byte {
				data[at] ^= 1 << (at % 8)
				return data
			}},
			damage{fmt.Sprint("cut at ", at), func(data []byte) []byte { return data[:at] }},
		)
	}
	return list
}

// files are those of a data directory, by their paths in it.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			path, err = filepath.Rel(dir, path)
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestDamageOfAnyFile damages each file of a data directory, in many places: it is refused, naming the file, or an older checkpoint is
// used, which is told, or all is right; never is something wrong.
func TestDamageOfAnyFile(t *testing.T) {
	dir := written(t)
	list := files(t, dir)
	segments := slices.DeleteFunc(slices.Clone(list), func(path string) bool { return !strings.HasSuffix(path, ".journal") })
	if len(segments) < 3 {
		t.Fatalf("%d segments in %q", len(segments), list)
	}
	outcomes := map[string]int{}
	for _, path := range list {
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range damages(len(data)) {
			damaged := copied(t, dir)
			do(t, filepath.Join(damaged, path), d.do(bytes.Clone(data)))
			outcomes[outcome(t, damaged, path, d.what, path == slices.Max(segments))]++
		}
	}
	for _, one := range []string{"refused", "older", "right", "tail lost"} {
		if outcomes[one] == 0 {
			t.Errorf("nothing is %s: %v", one, outcomes)
		}
	}
	t.Log(outcomes)
}

// do writes a file, or removes it.
func do(t *testing.T, path string, data []byte) {
	t.Helper()
	err := os.Remove(path)
	if data != nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// outcome is what comes of a data directory with a damaged file, whose end, if it is the journal's last, may be what a crash leaves.
func outcome(t *testing.T, dir, path, what string, tail bool) string {
	t.Helper()
	c, err := start(t.Context(), settings(dir))
	defer c.leave()
	log := c.log.String()
	if err != nil {
		if !strings.Contains(err.Error(), filepath.Base(path)) && !tail {
			t.Errorf("%s, %s: the error does not name it: %v", path, what, err)
		}
		if !strings.Contains(err.Error(), "estore") {
			t.Errorf("%s, %s: the error does not say what to do: %v", path, what, err)
		}
		if strings.Count(err.Error(), filepath.Base(path)+" is damaged") > 1 {
			t.Errorf("%s, %s: the error names it several times: %v", path, what, err)
		}
		return "refused"
	}
	right := accepted
	for tail && right > checkpoint && !maps.Equal(c.counts, counted(right)) {
		right--
	}
	if !maps.Equal(c.counts, counted(right)) {
		t.Errorf("%s, %s: %v; want %v\n%s", path, what, c.counts, counted(accepted), log)
	}
	c.leave()
	o := settings(dir)
	switch {
	case strings.Contains(log, "an older checkpoint is used"):
		if !strings.Contains(log, filepath.Base(path)) {
			t.Errorf("%s, %s: the log does not name it:\n%s", path, what, log)
		}
		o.Stages = true
		if c, err := start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--accept-repeats") {
			t.Errorf("%s, %s: a receiver would get output again: %v", path, what, err)
			c.leave()
		}
		o.AcceptRepeats = true
		goesOn(t, o, right)
		return "older"
	case right < accepted:
		goesOn(t, o, right)
		return "tail lost"
	}
	goesOn(t, o, right)
	return "right"
}
