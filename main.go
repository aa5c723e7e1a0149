package wallaroo

import "github.com/wallaroo-stream/wallaroo/internal/command"

// Main is the main function of a program that is an application: it runs what the command line says, and ends the process with its exit
// code. The program has the flags and commands of wallaroo, without the Python: BIN --in H:P --out H:P runs it, BIN --help tells the rest.
func Main(a *App) {
	command.Native(a.name, a.Native)
}
