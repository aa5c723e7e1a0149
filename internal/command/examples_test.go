package command

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// examplesFolder holds the examples and examples/run, which runs one and compares its results per key.
var examplesFolder = filepath.Join("..", "..", "examples")

// TestExamples runs every example, in Python and in Go, on some executors, and while partitions move between them.
func TestExamples(t *testing.T) {
	t.Parallel()
	for seed, name := range exampleNames(t) {
		chaos := fmt.Sprintf("markers=10ms,credit=1,moves=0.4,seed=%d", seed+1)
		several := [][]string{
			inOrder,
			{"--executors", "2"},
			{"--executors", "4"},
			{"--executors", "4", "--chaos", chaos, "--rate", "400"}, // slowly, so that moves meet messages
		}
		if strings.HasPrefix(name, "go/") {
			several = slices.Delete(several, 1, 3) // go test runs them beside the example
		}
		for _, flags := range several {
			t.Run(name+" "+strings.Join(flags, " "), func(t *testing.T) {
				t.Parallel()
				out, code := runExample(t, examplesFolder, name, flags...)
				if code != 0 || !strings.HasSuffix(out, " results, all as expected\n") {
					t.Errorf("exit code %d\n%s", code, out)
				}
				if slices.Equal(flags, inOrder) {
					compareWithReadme(t, name, out)
				}
			})
		}
	}
}

// inOrder has results come in one order.
var inOrder = []string{"--executors", "1"}

// compareWithReadme demands of an example's README that it shows the command and some of what it prints.
func compareWithReadme(t *testing.T, name, out string) {
	t.Helper()
	language, folder, both := strings.Cut(name, "/")
	if !both {
		language, folder = "python", name
	}
	text, err := os.ReadFile(filepath.Join(examplesFolder, language, folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```\n$ examples/run "+name)
	if !found {
		t.Fatal("the README does not show the command")
	}
	_, rest, _ = strings.Cut(rest, "\n")
	shown, _, _ := strings.Cut(rest, "```")
	for line := range strings.Lines(shown) {
		if line != "    ...\n" && !strings.Contains(out, "\n"+line) {
			t.Errorf("the README shows %q, which does not come:\n%s", line, out)
		}
	}
}

// TestAnExampleWithAnotherResultFails changes what is expected in a copy.
func TestAnExampleWithAnotherResultFails(t *testing.T) {
	t.Parallel()
	copied := copyOfExamples(t)
	expected := filepath.Join(copied, "python", "reverse", "expected.txt")
	if err := os.WriteFile(expected, []byte("4321\n8756\n2121\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := runExample(t, copied, "reverse")
	if code != 1 || !strings.Contains(out, "result 2: expected 8756, received 8765\n") || !strings.Contains(out, `"msg":"stopped"`) {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestAnApplicationThatDoesNotStartIsExplained breaks an application in a copy.
func TestAnApplicationThatDoesNotStartIsExplained(t *testing.T) {
	t.Parallel()
	copied := copyOfExamples(t)
	application := filepath.Join(copied, "python", "reverse", "reverse.py")
	if err := os.WriteFile(application, []byte("import walaroo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := runExample(t, copied, "reverse")
	if code != 1 || !strings.Contains(out, "No module named 'walaroo'") || strings.Contains(out, "Popen") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestExamplesNeedTheProgram runs one where nothing is built.
func TestExamplesNeedTheProgram(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(filepath.Join(copyOfExamples(t), "run"), "reverse")
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), `build it by "make build"`) {
		t.Errorf("exit code %d\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

// TestTheUnitTestsOfTheExamples runs the tests that lie beside them, as their READMEs say.
func TestTheUnitTestsOfTheExamples(t *testing.T) {
	t.Parallel()
	packages, err := filepath.Abs(filepath.Join("..", "..", "python", "src"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range append(exampleFolders(t, examplesFolder), filepath.Join(examplesFolder, "runner")) {
		cmd := python("-m", "unittest", "discover", "-s", folder)
		cmd.Env = append(cmd.Env, "PYTHONPATH="+packages)
		if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "OK\n") {
			t.Errorf("%s: %v\n%s", folder, err, out)
		}
	}
}

// TestTheDataOfTheExamplesCanBeMadeAgain runs the scripts that made it, in a copy.
func TestTheDataOfTheExamplesCanBeMadeAgain(t *testing.T) {
	t.Parallel()
	copied := copyOfExamples(t)
	for _, folder := range exampleFolders(t, copied) {
		for _, script := range glob(t, folder, "make_*.py") {
			for _, made := range append(glob(t, folder, "expected*.txt"), glob(t, folder, "*.msg")...) {
				if err := os.Remove(made); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := python(script).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", script, err, out)
			}
		}
	}
	err := fs.WalkDir(os.DirFS(examplesFolder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		ours, err := os.ReadFile(filepath.Join(examplesFolder, name))
		if err != nil {
			return err
		}
		if again, err := os.ReadFile(filepath.Join(copied, name)); err != nil || !bytes.Equal(ours, again) {
			t.Errorf("%s is not what its script makes, %v", name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// runExample runs one and returns what it prints, and its exit code.
func runExample(t *testing.T, examples, name string, flags ...string) (output string, code int) {
	t.Helper()
	program, err := exec.LookPath("wallaroo")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(examples, "run"), append([]string{name, "--wallaroo", program}, flags...)...)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func python(words ...string) *exec.Cmd {
	cmd := exec.Command(cmp.Or(os.Getenv("PYTHON"), "python3"), words...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	return cmd
}

func exampleNames(t *testing.T) (names []string) {
	t.Helper()
	for _, folder := range exampleFolders(t, examplesFolder) {
		names = append(names, filepath.Base(folder))
	}
	for _, folder := range glob(t, filepath.Join(examplesFolder, "go"), "[a-z]*") {
		names = append(names, "go/"+filepath.Base(folder))
	}
	if !slices.Contains(names, "word_count") || !slices.Contains(names, "go/word_count") {
		t.Fatalf("examples %q", names)
	}
	return names
}

func exampleFolders(t *testing.T, examples string) []string {
	t.Helper()
	return glob(t, filepath.Join(examples, "python"), "[a-z]*")
}

func glob(t *testing.T, folder, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func copyOfExamples(t *testing.T) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "examples")
	if err := os.CopyFS(copied, os.DirFS(examplesFolder)); err != nil {
		t.Fatal(err)
	}
	return copied
}
