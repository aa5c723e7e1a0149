package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/wallaroo-stream/wallaroo/internal/pyhost"
)

const version = "0.1.0"

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  wallaroo version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Println("wallaroo", version)
			return failed(err)
		},
	}
}

func newPythonPath() *cobra.Command {
	return &cobra.Command{
		Use:   "python-path",
		Short: "Print a folder that holds the Python package",
		Long: `Print a folder that holds the Python package wallaroo, laid out there if need be.

Applications do not need it: run puts the package on their path. It is for tests and
type checkers. The folder stays and belongs to this version of the package.`,
		Example: `  PYTHONPATH=$(wallaroo python-path) python3 -m unittest
  MYPYPATH=$(wallaroo python-path) mypy word_count.py`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := pyhost.PackagePath()
			if err != nil {
				return failed(err)
			}
			_, err = fmt.Fprintln(os.Stdout, path)
			return failed(err)
		},
	}
}
