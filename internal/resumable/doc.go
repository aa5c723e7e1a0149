// Package resumable is a framing that survives lost connections and crashed processes on both sides: what its frames look like, and the
// machines that decide what a frame does. docs/format/resumable.md draws it.
//
// There are two conversations. A sink and its receiver: frames carry the run, the epoch and a number, and a Receiver keeps output apart
// until its epoch is committed. A sender and its source: messages of a named stream have numbers, and an Acceptor takes each once.
//
// Nothing here opens connections or files, knows the time, or starts goroutines.
package resumable
