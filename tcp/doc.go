// Package tcp has sources and sinks that speak TCP.
//
// A source listens, and takes any number of connections; messages of one keep their order. A sink connects to a receiver, tries until it is
// there, and sends again, from the beginning of a message, what the receiver's system has not acknowledged when the connection breaks: what
// the system of a receiver took and its program did not read is lost. With the framing Resumable nothing is lost and nothing repeated, in
// and out, if the other side speaks it.
package tcp
