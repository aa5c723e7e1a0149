package load

import "time"

// A Schedule says when each frame is due that a Sender paces. The frames of several connections are due in turn, at equal distances.
type Schedule struct {
	start       time.Time
	interval    float64 // nanoseconds between a frame and the next, on whichever connection
	connections int
	first       int // on each connection the first frame of the schedule
}

// due returns when a frame of a connection is due.
func (s Schedule) due(connection, frame int) time.Time {
	turn := (frame-s.first)*s.connections + connection
	return s.start.Add(time.Duration(float64(turn) * s.interval))
}

// dueBy returns up to which frame, without it, a connection's frames are due at a moment.
func (s Schedule) dueBy(connection int, moment time.Time) int {
	elapsed := moment.Sub(s.start)
	if elapsed < 0 {
		return s.first
	}
	turns := int(float64(elapsed)/s.interval) + 1 // of all connections, begun by now
	return s.first + (turns-connection+s.connections-1)/s.connections
}
