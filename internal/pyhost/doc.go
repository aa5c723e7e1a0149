// Package pyhost runs the Python process of an executor: it finds an interpreter, lays out the Python package that the binary carries,
// starts the process, has it load the application, and exchanges frames with it (docs/format/python-protocol.md).
//
// The process carries out commands in order and decides nothing. It dies with this one, also while user code runs: the kernel kills it
// when the thread that started it ends, and that thread is kept for as long as the process lives.
package pyhost
