package wallaroo

import (
	"os"
	"slices"

	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/command"
)

// Main is the main function of a program that is an application: it runs what the command line says, and ends the process with its exit
// code. The program has the flags and commands of wallaroo, without the Python: BIN --in H:P --out H:P runs it, BIN --help tells the rest.
// Arguments of the program's own stand behind "--": Args.
func Main(a *App) {
	command.Native(a.name, func(in, out []string) (*application.Native, error) {
		return a.Native(application.Addresses{From: "--in", List: in}, application.Addresses{From: "--out", List: out})
	})
}

// Args are the program's own arguments: those behind the first "--" of its command line, which Main leaves alone. A package such as flag
// reads them before the application is put together.
func Args() []string {
	if at := slices.Index(os.Args, "--"); at >= 0 {
		return os.Args[at+1:]
	}
	return nil
}
