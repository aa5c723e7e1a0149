// Command wallaroo runs Wallaroo applications that are written in Python, and the tools around all applications.
package main

import (
	"os"

	"github.com/wallaroo-stream/wallaroo/internal/command"
)

func main() { os.Exit(command.Wallaroo(os.Args[1:])) }
