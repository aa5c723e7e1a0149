// Package wallaroo processes streams of events, one event at a time: pipelines of plain functions, with state for each key, on all cores.
//
// An application is put together from typed streams and run by Main:
//
//	app := wallaroo.New("Word Count")
//	app.From("words", tcp.Listen("", tcp.Frames(4, binary.BigEndian), decode)).
//		FlatMap("split", split).
//		KeyBy(firstLetter).
//		StatefulMap("count", (*Totals).Count).
//		To("counts", tcp.Dial("", tcp.Lines(), encode))
//	wallaroo.Main(app)
//
// Package tcp has sources and sinks, package connector is for others, and package wallarootest runs applications in tests.
//
// # Order
//
// Messages of one connection that have equal keys at every step with state are processed, and come out, in the order in which they were
// sent; behind a step that is Parallel, from the next step with state on. Between connections, and between keys, there is no order.
//
// # Failures
//
// A function that panics, or returns an error where it may, costs the message that it was given, and no other: it is logged with the step,
// the key and the user's own lines, and counted. With a data directory it is kept as a dead letter, and can be sent again to its step. What
// it had changed in its state by then stays, unless the step is Atomic.
//
// # Memory and goroutines
//
// Functions run on one goroutine for each executor, those of a key on one at a time: state needs no locks, and variables that functions
// share do. A message may be handed from function to function as it is: a function must not change what it was given or has given, nor give
// parts of a state that can change.
package wallaroo
