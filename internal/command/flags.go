package command

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"

	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/commandline"
	"github.com/wallaroo-stream/wallaroo/internal/control"
)

// defaultMaxOutput is what one message may become at most.
var defaultMaxOutput = application.Output{Messages: application.DefaultMaxResults, Bytes: application.DefaultMaxOutput}

// cores is how many this process may use.
var cores = runtime.GOMAXPROCS(0)

// runFlags are the flags that run and check take.
var runFlags = slices.Concat(ownFlags, oldFlags)

var ownFlags = []commandline.Flag{
	{
		Name: "in", Short: "i", Value: "H:P[,H:P...]", Addresses: true, Shared: true,
		Help: "where sources listen; the application reads it by tcp_parse_input_addrs. Port 0 is a free one, " +
			"which the log's line \"source listens\" tells",
	},
	{
		Name: "out", Short: "o", Value: "H:P[,H:P...]", Addresses: true, Shared: true,
		Help: "where receivers are; the application reads it by tcp_parse_output_addrs",
	},
	{Name: "name", Value: "NAME", Help: "of this worker, in its log", Default: application.DefaultName},
	{Name: "python", Value: "PATH", Help: "the Python to run it with", Default: "$VIRTUAL_ENV/bin/python, else python3"},
	{
		Name: "http", Value: "H:P|off", Help: "where to answer /healthz, /readyz, /metrics and the commands that ask",
		Default: control.DefaultAddress.String() + " or the next free port",
	},
	{
		Name: "data-dir", Value: "DIR", Help: "where to keep what outlives the process: what was accepted, state, dead letters, and the token " +
			"for changes. Started again with it, the application goes on where it was. It is made if it is missing, and is one application's " +
			"at a time",
		Default: "none: nothing outlives the process, and nothing can be changed over HTTP",
	},
	{
		Name: "checkpoint-interval", Value: "TIME", Help: "the least time from one checkpoint of state to the next",
		Default: application.DefaultCheckpointInterval.String(),
	},
	{
		Name: "durability", Value: "async|sync", Help: "when a message counts as accepted: async, when the operating system has it, so that it " +
			"outlives every end of the process; sync, when it is on disk and outlives a power cut too",
		Default: "async",
	},
	{
		Name: "retain", Value: "N", Help: "how many checkpoints are kept, and what was accepted since the oldest of them",
		Default: strconv.Itoa(application.DefaultRetain),
	},
	{
		Name: "journal-free", Value: "BYTES", Help: "how much the journal leaves free on its disk; no more is accepted before there is room",
		Default: strconv.Itoa(application.DefaultJournalFree),
	},
	{Name: "fresh", Help: "set aside what the data directory holds, say where, and begin anew"},
	{
		Name: "allow-changed",
		Help: "go on although steps or states of the application have gone or changed since the last checkpoint; what no longer fits is dropped",
	},
	{
		Name: "accept-repeats", Help: "if the last checkpoint cannot be read, go on from an older one, although a resumable or transactional " +
			"receiver may have counted what came before the last",
	},
	{
		Name: "checkpoint-store", Value: "URL", Help: "where checkpoints lie: FOLDER, file:///FOLDER, or " +
			"s3://BUCKET/PREFIX?region=REGION&endpoint=URL with the keys that AWS programs read. It is one application's, and is noted " +
			"in the data directory",
		Default: "a folder in the data directory",
	},
	{
		Name: "restore", Value: "URL", Help: "the data directory is lost: go on, in an empty one, from the newest checkpoint in this " +
			"checkpoint store. What was accepted after it was in the journal, and is lost unless its senders send it again",
	},
	{
		Name: "from-savepoint", Value: "URL", Help: "begin a new history, in an empty data directory or with --fresh, with the state of a " +
			"savepoint, or of the newest checkpoint of a checkpoint store",
	},
	{
		Name: "trust", Help: "begin with a savepoint that was not made from this data directory: the state of Python is pickles, and loading " +
			"them runs what code whoever wrote them has put there",
	},
	{
		Name: "on-error", Value: "dead-letter|stop",
		Help: "what a failure of a step does: its message becomes a dead letter and all else goes on; or then the application ends " +
			"as by a signal, with exit code 1",
		Default: "dead-letter",
	},
	{
		Name: "dead-letters", Value: "BYTES", Help: "what dead letters may take on disk; the oldest are dropped. A message that has more than " +
			"an eighth of it is not kept",
		Default: strconv.Itoa(application.DefaultDeadLetters),
	},
	{Name: "executors", Value: "N", Help: "how many executors, which are Python processes, share the work", Default: "the number of cores"},
	{
		Name: "partitions", Value: "N", Help: "parts into which keys are divided, a power of two up to 65536",
		Default: strconv.Itoa(application.DefaultPartitions),
	},
	{
		Name: "max-frame", Value: "BYTES", Help: "the longest message; a longer one ends its connection",
		Default: strconv.Itoa(application.DefaultMaxFrame),
	},
	{
		Name: "max-connections", Value: "N", Help: "how many connections a source takes; one more is closed",
		Default: strconv.Itoa(application.DefaultMaxConnections),
	},
	{
		Name: "max-streams", Value: "N",
		Help:    "how many resumable streams a source remembers, for ever and in every checkpoint; the connection of one more is refused",
		Default: strconv.Itoa(application.DefaultMaxStreams),
	},
	{
		Name: "sink-buffer", Value: "BYTES", Help: "what a sink may hold undelivered, on each executor, before sources slow down",
		Default: strconv.Itoa(application.DefaultSinkBuffer),
	},
	{
		Name: "max-in-flight", Value: "TIME", Help: "how long an executor may take for what is under way to it, as 20ms",
		Default: application.DefaultMaxInFlight.String(),
	},
	{
		Name: "max-call-output", Value: "N[,BYTES]",
		Help:    "what one message may become: results of a step, and bytes for a sink or another executor",
		Default: fmt.Sprintf("%d,%d", defaultMaxOutput.Messages, defaultMaxOutput.Bytes),
	},
	{
		Name: "move-buffer", Value: "BYTES",
		Help:    "what may wait in an executor's queues while partitions move to it, before inputs are held",
		Default: strconv.Itoa(application.DefaultMoveBuffer),
	},
	{
		Name: "step-timeout", Value: "TIME|off",
		Help: "how long one call of a step's function may take; then its Python process is killed, and the log says which step it was. " +
			"Without --data-dir the application ends; with it, it goes on from the last checkpoint, and a message that does so three times " +
			"becomes a dead letter",
		Default: application.DefaultStepTimeout.String(),
	},
	{
		Name: "check-ownership",
		Help: "for tests: pass what each step gives through its encoding, and report results that come back as others or change " +
			"after they were handed on",
	},
	{Name: "chaos", Value: "markers=TIME,credit=N,moves=SHARE,seed=S", Hidden: true},
	{
		Name: "drain-timeout", Value: "TIME",
		Help:    "how long open connections may go on after a signal to stop, as 5s, 500ms or seconds",
		Default: application.DefaultDrainTimeout.String(),
	},
	{
		Name: "log-format", Value: "text|json",
		Help: "of the log on standard error. A duration is 12.4ms in text; in json it is a number of seconds, " +
			"under a key that ends in _seconds",
		Default: "text",
	},
	{Name: "log-level", Value: "LEVEL", Help: "debug, info, warn or error", Default: "info"},
}

// What there is instead of several old flags.
const (
	insteadOfWorkers = "--executors N; wallaroo executors N changes it"
	insteadOfLogs    = "--data-dir DIR"
)

// oldFlags are those of the original Wallaroo that people have in their scripts.
var oldFlags = []commandline.Flag{
	{Name: "ponythreads", Value: "N", Retired: true, Instead: "--executors N"},
	{Name: "ponynoblock", Retired: true},
	{Name: "ponypinasio", Retired: true},
	{Name: "ponyminthreads", Value: "N", Retired: true},
	{Name: "metrics", Short: "m", Value: "H:P", Retired: true, Instead: "--http H:P, where /metrics is for Prometheus"},
	{Name: "control", Short: "c", Value: "H:P", Retired: true},
	{Name: "data", Short: "d", Value: "H:P", Retired: true},
	{Name: "external", Short: "e", Value: "H:P", Retired: true, Instead: "--http H:P, and the commands that ask there"},
	{Name: "cluster-initializer", Short: "t", Retired: true},
	{Name: "application-module", Value: "NAME", Former: true, Instead: "the file itself, as in wallaroo run word_count.py"},
	{Name: "worker-count", Value: "N", Former: true, Instead: insteadOfWorkers},
	{Name: "join", Value: "H:P", Former: true, Instead: insteadOfWorkers},
	{Name: "my-control", Value: "H:P", Former: true},
	{Name: "my-data", Value: "H:P", Former: true},
	{Name: "resilience-dir", Value: "DIR", Former: true, Instead: insteadOfLogs},
	{Name: "log-rotation", Former: true, Instead: insteadOfLogs},
	{Name: "event-log-file-size", Value: "BYTES", Former: true, Instead: insteadOfLogs},
	{Name: "stop-pause", Value: "TIME", Former: true, Instead: insteadOfLogs},
}

// checkTold are the names of those of them that mean something to check.
var checkTold = []string{"in", "out", "python", "log-format", "log-level"}

// only are the flags that have one of the names.
func only(flags []commandline.Flag, names []string) []commandline.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f commandline.Flag) bool { return !slices.Contains(names, f.Name) })
}
