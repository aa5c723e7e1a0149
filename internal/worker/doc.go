// Package worker is one worker's data plane: sources, executors, the edges to and between them, and the edges to sinks.
//
// A source hands on batches through its Inlet, which has a lane to each executor. A connection waits while its lane has no credit, and so
// slows its sender down. Each executor has a loop that owns it: it begins a call when messages wait, its door lets them in, and every edge
// has credit that the call may write to; and it hands what comes of a call to a sink's edge, to the edge of another executor, or to the
// queue of a partition that is on its way. It never blocks on a send. A sink gives credit back when its peer has acknowledged; until then
// the bytes are its own to keep. So every queue here has a bound, and a receiver that stands still stops the senders.
//
// Edges lead from a stage to later ones of its pipeline and at last to its sink. What is last can therefore always go on once its sink
// does, and nothing waits in a circle.
//
// Markers go through the same edges and cut the stream: what was accepted before one is processed and written before it. With a marker
// partitions move from one executor to another, and executors join and leave. docs/internals/door.md tells the rules; package door keeps
// them.
//
// Order: the messages of a connection are processed in the order in which they were handed on, and what one executor hands to another, or
// to a sink, arrives in the order in which it came about; a sink takes nothing from behind a marker while another executor has not written
// it. So messages with equal keys at every stage keep their order, also when their partition moves.
package worker
