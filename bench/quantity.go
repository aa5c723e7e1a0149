package main

import (
	"fmt"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/notation"
)

// A quantity is what a measurement gives a number for, in the words of the table.
type quantity string

const (
	throughput    quantity = "throughput"            // words a second
	processorTime quantity = "CPU per million words" // seconds, of all processes
	offered       quantity = "words sent"            // a second
	p50           quantity = "p50"                   // seconds, like the other latencies
	p90           quantity = "p90"
	p99           quantity = "p99"
	p999          quantity = "p99.9"
	p9999         quantity = "p99.99"
	goMemory      quantity = "Go process"             // bytes
	pythonMemory  quantity = "Python process"         // bytes
	startToReady  quantity = "process start to ready" // seconds
)

// What is read off a change of the number of executors. Waits are seconds, from when a message was due until its result came.
const (
	messages        quantity = "messages sent"                            // a second
	beforeMiddle    quantity = "p50 before"                               // of all messages before the change
	beforeMost      quantity = "p99.9 before"                             // the same
	beforeLongest   quantity = "longest wait before"                      // the same
	movedMost       quantity = "p99 during, keys that moved"              // of the messages that the change touched
	movedLongest    quantity = "longest wait during, keys that moved"     // the same
	stayedMost      quantity = "p99 during, keys that stayed"             // the same
	stayedLongest   quantity = "longest wait during, keys that stayed"    // the same
	afterMost       quantity = "p99.9 after"                              // of all messages after the change
	changeTime      quantity = "the change"                               // seconds, from the request to its answer
	closedLongest   quantity = "longest time that a partition was closed" // seconds, as the engine says
	partitionsMoved quantity = "partitions moved"                         // as the engine says
	keysMoved       quantity = "keys moved"                               // counted by another process than before
)

// percentiles are the latencies that are read off a histogram.
var percentiles = map[quantity]float64{p50: 50, p90: 90, p99: 99, p999: 99.9, p9999: 99.99}

// A reading is what one measurement of one side gave.
type reading map[quantity]float64

// format writes a value of the quantity with its unit.
func (q quantity) format(value float64) string {
	switch q {
	case throughput, offered:
		return notation.Grouped(int(value)) + " words/s"
	case messages:
		return notation.Grouped(int(value)) + " messages/s"
	case partitionsMoved, keysMoved:
		return notation.Grouped(int(value))
	case processorTime:
		return fmt.Sprintf("%.2f s", value)
	case goMemory, pythonMemory:
		return fmt.Sprintf("%.1f MiB", value/(1<<20))
	default:
		return notation.Duration(time.Duration(value * float64(time.Second)))
	}
}
