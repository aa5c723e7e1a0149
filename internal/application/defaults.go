package application

import "time"

// What the options are where nobody says otherwise.
const (
	DefaultName           = "worker1"
	DefaultPartitions     = 1024
	DefaultMaxFrame       = 16 << 20
	DefaultMaxConnections = 1024
	DefaultMaxStreams     = 4096
	DefaultSinkBuffer     = 4 << 20
	DefaultMoveBuffer     = 64 << 20
	DefaultMaxInFlight    = 20 * time.Millisecond
	DefaultDrainTimeout   = 5 * time.Second
	DefaultStepTimeout    = 60 * time.Second
	DefaultDeadLetters    = 256 << 20
	DefaultMaxResults     = 1 << 20
	// DefaultCheckpointInterval and those below are for what a data directory keeps.
	DefaultCheckpointInterval = time.Second
	DefaultRetain             = 3
	DefaultJournalFree        = 256 << 20
	DefaultMaxOutput          = 64 << 20
)
