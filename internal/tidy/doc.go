// Package tidy is the style of this tree as a test: what "make test" can judge of it without a linter.
//
// arrows.txt says which package may import which. The rules on files, functions, comments and calls are in this package's source, each with
// the reason or the replacement that it reports. A finding names file, line and what to do; there is no list of exceptions.
package tidy
