// Package gohost runs the stages of an application that is written in Go. An Executor carries out a worker's calls by functions that the Go
// API has fused while their types were known; it knows which partitions are here and which queues are shut, and tells what came of a call.
package gohost
