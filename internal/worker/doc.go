// Package worker is one worker's data plane: sources, the edges from them to an executor, the executor's loop, and the edges to sinks.
//
// A source hands on batches through lanes, one for each of its connections; a lane blocks while its edge has no credit, and so slows its
// sender down. The loop owns the executor: it begins a call when messages wait and the sink that they may reach has credit, and hands what
// comes of a call to that sink's edge. It never blocks on a send. A sink gives credit back when its peer has acknowledged; until then the
// bytes are its own to keep. So every queue here has a bound, and a receiver that stands still stops the senders.
//
// Order: the messages of a lane are processed, and written to a sink, in the order in which the lane handed them on.
package worker
