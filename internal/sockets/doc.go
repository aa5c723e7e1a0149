// Package sockets connects pipelines to TCP: a source that accepts connections and cuts their bytes into messages, and a sink that keeps
// one connection to its receiver.
package sockets
