package status

import (
	"sync"
	"time"
)

// Connections is how the connections of sinks stand, as they say it. The zero value knows nothing.
type Connections struct {
	mu sync.Mutex
	of map[string]Connection // guarded by mu; by the sink's identity
}

// Connection is one of them.
type Connection struct {
	Known bool // the sink has said something
	Lost  string
	Since time.Time // when that began
}

// Connected reports whether there is one; a sink that says nothing is believed to have one.
func (c *Connection) Connected() bool { return c.Lost == "" }

// Teller takes in what a sink says: nil when it is connected, and why it is not.
func (c *Connections) Teller(sink string) func(lost error) {
	return func(lost error) {
		text := ""
		if lost != nil {
			text = lost.Error()
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.of == nil {
			c.of = map[string]Connection{}
		}
		now := c.of[sink]
		if !now.Known || now.Connected() != (lost == nil) {
			now.Since = time.Now()
		}
		now.Known, now.Lost = true, text
		c.of[sink] = now
	}
}

// Of is how a sink's stands.
func (c *Connections) Of(sink string) Connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[sink]
}
