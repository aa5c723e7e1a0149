// Package load makes load for a word count and audits what comes of it.
//
// A Tape holds frames prepared ahead; a Sender sends it over TCP, round and round, as fast as the other side takes it or by a Schedule; a
// Receiver takes what comes back and gives it to an Audit, which knows what must come because it knows the tape.
//
// Latency counts from the moment at which a frame was due by the schedule, not from the moment at which it was written: a program that
// makes the sender wait is charged for the wait. The sender sleeps until a frame is due and never spins, so that it leaves the processor
// to the program it measures; what it oversleeps is in every latency, the reference's too.
package load
