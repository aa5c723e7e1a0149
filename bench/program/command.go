package program

import (
	"os"
	"path/filepath"
	"strconv"
)

// AnyPort has a program listen on a free port of the loopback interface, which its ready line tells.
const AnyPort = "127.0.0.1:0"

// A Command says how to start a program and how it ends.
type Command struct {
	Name string   // what messages call it
	Path string   // the executable, looked up like a shell does
	Args []string // without the executable

	// EndsWithInput says that the program ends by itself when its input has ended. Others run until they get SIGTERM.
	EndsWithInput bool

	// Log gets each line that the program writes to standard error, without the newline, from one goroutine at a time; nil if nobody
	// wants them.
	Log func(line string)
}

// NoHTTP has a Wallaroo application answer no HTTP.
const NoHTTP = "off"

// Engine returns how to run a Wallaroo application that sends its results to the address out, and answers HTTP at another. The number of
// executors is always said: what is measured must not depend on how many a worker takes by itself.
func Engine(binary, application, out string, executors int, http string) Command {
	return Command{
		Name: "wallaroo",
		Path: binary,
		Args: []string{"run", application, "--in", AnyPort, "--out", out, "--executors", strconv.Itoa(executors), "--http", http},
	}
}

// Native returns how to run a Wallaroo application that is a program of its own, as Engine does.
func Native(binary, out string, executors int, http string) Command {
	return Command{
		Name: filepath.Base(binary),
		Path: binary,
		Args: []string{"--in", AnyPort, "--out", out, "--executors", strconv.Itoa(executors), "--http", http},
	}
}

// Loop returns how to run a loop in bench/reference that is written in Go, given by its executable.
func Loop(binary, out string) Command {
	return Command{Name: filepath.Base(binary), Path: binary, Args: []string{"--in", AnyPort, "--out", out}, EndsWithInput: true}
}

// PythonLoop returns how to run one of the loops in bench/reference, given by its path.
func PythonLoop(script, out string) Command {
	return Command{
		Name:          filepath.Base(script),
		Path:          Python(),
		Args:          []string{script, "--in", AnyPort, "--out", out},
		EndsWithInput: true,
	}
}

// Python returns the interpreter that a Wallaroo application runs on unless it is told otherwise.
func Python() string {
	if environment := os.Getenv("VIRTUAL_ENV"); environment != "" {
		return filepath.Join(environment, "bin", "python")
	}
	return "python3"
}
