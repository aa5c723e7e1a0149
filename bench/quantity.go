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

// What is read where a message is one key.
const (
	messagesTaken  quantity = "messages taken"           // a second
	timeOfMessages quantity = "CPU per million messages" // seconds, of all processes
)

// What is read off checkpoints, as the engine tells it. Times are seconds; where there are several checkpoints, the middle one's.
const (
	checkpoints  quantity = "checkpoints"                     // that began in the measurement
	bytesSaved   quantity = "bytes that a checkpoint saves"   // without what is written to fold older ones
	tookInAll    quantity = "a checkpoint"                    // from its beginning until it is committed
	alignedIn    quantity = "of it until markers have passed" // the parts of that, one behind the other
	savedIn      quantity = "of it until state is given out"
	writtenIn    quantity = "of it until it is committed"
	keysChanged  quantity = "keys changed"
	bytesForEach quantity = "bytes saved for each key changed"
)

// What is read off a process that is killed. Times are seconds, from the signal on.
const (
	readyAgain quantity = "kill to ready"
	firstAgain quantity = "kill to first result"     // of another process, whether it had come before or not
	newAgain   quantity = "kill to first new result" // that had not come before
	cameAgain  quantity = "results that came again"
)

// What the journal tells of groups that were brought to disk by one fsync.
const (
	recordsTogether  quantity = "records of an fsync"
	messagesTogether quantity = "messages of an fsync"
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
	case messages, messagesTaken:
		return notation.Grouped(int(value)) + " messages/s"
	case partitionsMoved, keysMoved, checkpoints, keysChanged, bytesForEach, cameAgain:
		return notation.Grouped(int(value))
	case recordsTogether, messagesTogether:
		return fmt.Sprintf("%.1f", value)
	case processorTime, timeOfMessages:
		return fmt.Sprintf("%.2f s", value)
	case bytesSaved:
		return fmt.Sprintf("%.2f MB", value/1e6)
	case goMemory, pythonMemory:
		return fmt.Sprintf("%.1f MiB", value/(1<<20))
	default:
		return notation.Duration(time.Duration(value * float64(time.Second)))
	}
}
