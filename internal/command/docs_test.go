package command

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// projectFolder holds the documentation.
var projectFolder = filepath.Join("..", "..")

// terminal is a console block of the documentation, as python/tests/pages.py tells it.
type terminal struct {
	At      string            // its page and line
	Files   map[string]string // what the page has made so far
	Script  string            // what is typed
	Pattern string            // what must come of it; of one that serves, at first
	Serves  bool              // it goes on while others do
	Ends    bool              // by itself
}

// TestTheTerminalsOfTheDocumentation runs every console block of README.md and of the pages in docs, and compares what it shows.
func TestTheTerminalsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	reader := filepath.Join(projectFolder, "python", "tests", "pages.py")
	// So that go test knows that its result depends on them.
	for _, read := range append(glob(t, filepath.Join(projectFolder, "docs"), "*.md"), filepath.Join(projectFolder, "README.md"), reader) {
		if _, err := os.Stat(read); err != nil {
			t.Fatal(err)
		}
	}
	cmd := python(reader)
	cmd.Stderr = os.Stderr
	told, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var pages map[string][][]terminal
	if err := json.Unmarshal(told, &pages); err != nil {
		t.Fatal(err)
	}
	if len(pages["README.md"]) == 0 || len(pages["docs/tutorial.md"]) == 0 || len(pages["docs/go.md"]) == 0 {
		t.Errorf("pages without terminals: %v", pages)
	}
	for page, sessions := range pages {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if page == "README.md" {
				folder = projectFolder
			}
			for _, terminals := range sessions {
				newSession(t, folder).run(terminals)
			}
		})
	}
}

// session is terminals side by side in one folder, with ports that are free in place of those that are written.
type session struct {
	t       *testing.T
	folder  string
	ports   *strings.Replacer
	written *strings.Replacer // the other way round
	serving []*shell
}

// shell is a terminal that serves.
type shell struct {
	terminal
	cmd    *exec.Cmd
	screen *capture
}

func newSession(t *testing.T, folder string) *session {
	t.Helper()
	http := freePort(t)
	there := []string{":5050", ":" + http}
	back := []string{":" + http, ":5050"}
	for _, port := range []string{"7002", "7003", "7010", "7011"} {
		free := freePort(t)
		there, back = append(there, ":"+port, ":"+free), append(back, ":"+free, ":"+port)
	}
	project, err := filepath.Abs(projectFolder)
	if err != nil {
		t.Fatal(err)
	}
	there = append(there, " ../wallaroo\n", " "+project+"\n")
	for _, program := range []string{"bin/wallaroo ", "wallaroo "} {
		// Others may listen where these would by themselves.
		there = append(there, program+"run ", "wallaroo run --http 127.0.0.1:"+http+" ")
		for _, asks := range []string{"executors", "status", "dead-letters replay", "dead-letters", "checkpoint now", "savepoint"} {
			there = append(there, program+asks, "wallaroo "+asks+" --at 127.0.0.1:"+http)
		}
		there = append(there, program, "wallaroo ")
	}
	data := filepath.Join(t.TempDir(), "data")
	for _, before := range []string{"--data-dir ", "checkpoint list ", "checkpoint inspect ", "checkpoint verify "} {
		there = append(there, before+"data", before+data)
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	return &session{
		t: t, folder: folder, ports: strings.NewReplacer(there...),
		written: strings.NewReplacer(append(back, absolute+string(filepath.Separator), "")...),
	}
}

// run runs the terminals one after another, and ends those that serve, the last one first.
func (s *session) run(terminals []terminal) {
	s.t.Helper()
	for _, of := range terminals {
		for name, text := range of.Files {
			if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
				s.t.Fatal(err)
			}
		}
		sh := s.start(of)
		if of.Serves {
			s.serving = append(s.serving, sh)
			sh.screen.await(s.t, `listening on|msg=ready|(?m)^\w+: `)
			continue
		}
		s.wait(sh)
		s.compare(sh, `\A(?:`+of.Pattern+`)\s*\z`)
	}
	for _, sh := range slices.Backward(s.serving) {
		if !sh.Ends {
			_ = syscall.Kill(-sh.cmd.Process.Pid, syscall.SIGINT)
		}
		s.wait(sh)
		if strings.Contains(sh.Pattern, " ") {
			s.compare(sh, `\A(?:`+sh.Pattern+`)(?s:\n.*)?\s*\z`)
		}
	}
}

// The programs of a page's own answer HTTP, and are asked, at the port that others would find taken.
var (
	ownRun       = regexp.MustCompile(`(\./\w+) --in `)
	ownExecutors = regexp.MustCompile(`(\./\w+) executors `)
)

// typed is a script as it is run.
func (s *session) typed(script string) string {
	script = ownRun.ReplaceAllString(script, "$1 --http 127.0.0.1:5050 --in ")
	script = ownExecutors.ReplaceAllString(script, "$1 executors --at 127.0.0.1:5050 ")
	return s.ports.Replace(script)
}

// start starts a shell that reads a script; what it prints is on its screen.
func (s *session) start(of terminal) *shell {
	s.t.Helper()
	sh := &shell{terminal: of, cmd: exec.Command("sh", "-c", s.typed(of.Script)), screen: newCapture()}
	sh.cmd.Dir = s.folder
	sh.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "PYTHONDONTWRITEBYTECODE=1")
	sh.cmd.Stdout, sh.cmd.Stderr = sh.screen, sh.screen
	sh.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := sh.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if sh.cmd.ProcessState == nil {
			_ = syscall.Kill(-sh.cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	return sh
}

// wait waits for the end of a shell and of all that it started. A command that fails is shown to fail.
func (s *session) wait(sh *shell) {
	s.t.Helper()
	late := time.AfterFunc(patience, func() { _ = syscall.Kill(-sh.cmd.Process.Pid, syscall.SIGKILL) })
	_ = sh.cmd.Wait()
	if !late.Stop() {
		s.t.Errorf("%s does not end", sh.At)
	}
}

// compare demands that a terminal shows what the page does.
func (s *session) compare(sh *shell, pattern string) {
	s.t.Helper()
	if shows := s.written.Replace(sh.screen.String()); !regexp.MustCompile(pattern).MatchString(strings.TrimSpace(shows)) {
		s.t.Errorf("%s shows\n%s", sh.At, shows)
	}
}

// TestTheFlagsOfTheDocumentationExist looks for flags in the pages. docs/migrating.md tells of those that do not, and
// docs/commands.md is what the commands say of themselves.
func TestTheFlagsOfTheDocumentationExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"help": true, "greeting": true, "exectors": true} // an application's own, and a slip that is told
	for _, flag := range runFlags {
		known[flag.Name] = true
	}
	var has func(c *cobra.Command, name string) bool
	has = func(c *cobra.Command, name string) bool {
		return c.Flags().Lookup(name) != nil || slices.ContainsFunc(c.Commands(), func(below *cobra.Command) bool { return has(below, name) })
	}
	exists := func(name string) bool { return known[name] || has(newRoot(), name) }
	named := regexp.MustCompile(`[^\w-]--([a-z][a-z-]+)`)
	for _, page := range append(glob(t, filepath.Join(projectFolder, "docs"), "*.md"), filepath.Join(projectFolder, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range named.FindAllStringSubmatch(string(text), -1) {
			if !exists(flag[1]) && !slices.Contains([]string{"migrating.md", "commands.md"}, filepath.Base(page)) {
				t.Errorf("%s: there is no flag --%s", page, flag[1])
			}
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestTheProgramsOfTheDocumentation compares what is shown of programs with the examples that they are parts of: README.md's first Python
// with the word count, and all Go, but for whole files, with the examples in Go, which are compiled and tested.
func TestTheProgramsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	readme := filepath.Join(projectFolder, "README.md")
	python := squeezed(t, filepath.Join(examplesFolder, "python", "word_count", "word_count.py"))
	for part := range strings.SplitSeq(fenced(t, readme, "python")[0], "\n\n") {
		part = strings.TrimSuffix(strings.TrimSpace(part), "...")
		if !strings.Contains(python, squeeze(part)) {
			t.Errorf("the example has nothing like this:\n%s", part)
		}
	}
	var programs strings.Builder
	sources := glob(t, filepath.Join(examplesFolder, "go", "*"), "*.go")
	for _, of := range []string{"", "tcp", "connector"} {
		sources = append(sources, filepath.Join(projectFolder, of, "example_test.go"))
	}
	for _, file := range sources {
		programs.WriteString(squeezed(t, file))
	}
	blocks := 0
	for _, page := range append(glob(t, filepath.Join(projectFolder, "docs"), "*.md"), readme) {
		for _, block := range fenced(t, page, "go") {
			blocks++
			if !wholeFile.MatchString(block) && !strings.Contains(programs.String(), squeeze(block)) {
				t.Errorf("%s: no example in Go has this in it:\n%s", page, block)
			}
		}
	}
	if blocks == 0 {
		t.Error("no Go is shown")
	}
}

// wholeFile is a block that the terminals of its page build.
var wholeFile = regexp.MustCompile(`\A// \w+\.go\n`)

// fenced are the blocks of a kind on a page.
func fenced(t *testing.T, page, kind string) []string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, rest := range strings.Split("\n"+string(data), "\n```"+kind+"\n")[1:] {
		block, _, _ := strings.Cut(rest, "\n```")
		blocks = append(blocks, block)
	}
	return blocks
}

// squeeze takes a text's white space away.
func squeeze(text string) string { return strings.Join(strings.Fields(text), "") }

func squeezed(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return squeeze(string(data))
}
