package pyhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// oldest is the oldest version of Python that the package runs on.
var oldest = [2]int{3, 10}

// askTimeout bounds how long an interpreter may take to say what it is.
const askTimeout = 20 * time.Second

// Interpreter is a Python that the package runs on.
type Interpreter struct {
	Path    string // sys.executable: the program itself, not a shim of it
	Version string // as in "3.12.1"
}

// FindInterpreter finds the interpreter that the user means: the one named, else that of the virtual environment, else python3. It is asked
// once for its own path, since what is found may be a shim that costs time at each start. The error says which Python is needed.
func FindInterpreter(ctx context.Context, named string) (Interpreter, error) {
	program, origin := named, "--python "+named
	if program == "" {
		program, origin = onPath("python3"), "python3"
		if venv := os.Getenv("VIRTUAL_ENV"); venv != "" {
			program = filepath.Join(venv, "bin", "python")
			origin = "the virtual environment's " + program
		}
	}
	found, err := ask(ctx, program)
	if err != nil {
		return found, fmt.Errorf("%s is not a Python that can be used: %w; Python %d.%d or later is needed: "+
			"install it or name one with --python PATH", origin, err, oldest[0], oldest[1])
	}
	return found, nil
}

// onPath is a program by its name, for exec to find on PATH; where there is no PATH at all, it is looked for where a shell would look then.
func onPath(name string) string {
	if _, ok := os.LookupEnv("PATH"); ok {
		return name
	}
	for _, folder := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return name
}

// question makes an interpreter, of whatever age, say what it is: its path on the last line, its version on the line before. It needs no
// module but sys, so that nothing in the current folder or on the user's path can be in its way.
const question = `import sys; sys.stdout.write("\n%d.%d.%d\n%s" % (sys.version_info[:3] + (sys.executable,)))`

func ask(ctx context.Context, program string) (Interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-c", question)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return Interpreter{}, explain(ctx, err)
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 2 || !filepath.IsAbs(lines[len(lines)-1]) {
		return Interpreter{}, errors.New("it does not answer as Python does")
	}
	found := Interpreter{Path: lines[len(lines)-1], Version: lines[len(lines)-2]}
	var major, minor int
	if _, err := fmt.Sscanf(found.Version, "%d.%d.", &major, &minor); err != nil {
		return Interpreter{}, errors.New("it does not answer as Python does")
	}
	if major < oldest[0] || major == oldest[0] && minor < oldest[1] {
		return found, fmt.Errorf("it is Python %s (%s)", found.Version, found.Path)
	}
	return found, nil
}

// explain makes the error of a program that could not be asked one that a user understands.
func explain(ctx context.Context, err error) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return errors.New("there is no such program")
	case errors.Is(err, os.ErrPermission):
		return errors.New("it is not an executable file")
	case ctx.Err() != nil:
		return fmt.Errorf("it did not answer within %s", askTimeout)
	case errors.As(err, &exit) && len(exit.Stderr) > 0:
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		return fmt.Errorf("%w: %s", err, lines[len(lines)-1])
	default:
		return err
	}
}
