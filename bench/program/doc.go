// Package program starts the programs that are put under load, knows when they are ready, and ends them.
package program
