// Package peer is the two ends that an application talks to over TCP: a Sender, which is a source's sender, and a Receiver, which is a
// sink's receiver. They carry real traffic for demonstrations, tests and benchmarks.
//
// Run of either blocks until the work is done, fails, or its context ends. Both tell on a Status writer, which is standard error, what
// happens on their connections, show a live line there if it is a terminal, and end with one line that sums up.
package peer
