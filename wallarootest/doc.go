// Package wallarootest runs applications in tests: no sockets, nothing to wait for, and the same every time.
//
// Run takes messages through a whole application, from the decoder to the encoder, by the code that executors run:
//
//	func TestWordCount(t *testing.T) {
//		result := wallarootest.Run(t, application(), wallarootest.Inputs("a b", "a"))
//		if got := result.Text(); got != "a => 1\nb => 1\na => 2\n" {
//			t.Errorf("got %q", got)
//		}
//	}
//
// The same application on several executors, while state moves between them, all by chance. What it gives must not depend on that, but for
// the order, which is kept for each key only:
//
//	for seed := range uint64(10) {
//		inputs := wallarootest.Inputs("a b", "a")
//		result := wallarootest.Run(t, application(), inputs, wallarootest.Executors(3), wallarootest.Seed(seed))
//		...
//	}
//
// A test does not pass silently: a message that a step cannot process fails it, unless it asks for Failures. The functions of an
// application are functions; test them by calling them.
package wallarootest
