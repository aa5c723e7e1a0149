// Package worker is one worker's data plane: sources, executors and the edges to and between them, and the edges to sinks.
//
// A source hands on batches through lanes, one for each of its connections; a lane blocks while its edges have no credit, and so slows its
// sender down. Each executor has a loop that owns it: it begins a call when messages wait and every edge has credit that the call may write
// to, and hands what comes of a call to the sink's edge or to the edge of another executor. It never blocks on a send. A sink gives credit
// back when its peer has acknowledged; until then the bytes are its own to keep. So every queue here has a bound, and a receiver that
// stands still stops the senders.
//
// Edges lead from a stage to later ones of its pipeline and at last to its sink. What is last can therefore always go on once its sink
// does, and nothing waits in a circle.
//
// Order: the messages that a lane hands to one executor are processed in the order in which they were handed on, and what one executor
// hands to another, or to a sink, arrives in the order in which it came about.
package worker
