package command

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/address"
	"github.com/wallaroo-stream/wallaroo/internal/application"
	"github.com/wallaroo-stream/wallaroo/internal/bucket"
	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// mostCount is the largest number that a flag takes.
const mostCount = 1<<31 - 1

// mostRoom is the most bytes that a disk can be demanded to have free: an EiB.
const mostRoom = 1 << 60

// values reads the values of flags and gathers what is wrong with them.
type values struct {
	given map[string]string
	wrong []error
}

func (v *values) read(flag string, parse func(string) error) {
	if text, ok := v.given[flag]; ok {
		if err := parse(text); err != nil {
			v.wrong = append(v.wrong, fmt.Errorf("--%s: %w", flag, err))
		}
	}
}

func (v *values) text(flag, otherwise string) string {
	if text, ok := v.given[flag]; ok {
		return text
	}
	return otherwise
}

func (v *values) count(flag string, otherwise int) int {
	v.read(flag, func(text string) (err error) {
		otherwise, err = parseCount(text)
		return err
	})
	return otherwise
}

// bytes reads a count of bytes.
func (v *values) bytes(flag string, otherwise int) int {
	v.read(flag, func(text string) (err error) {
		otherwise, err = parseBytes(text)
		return err
	})
	return otherwise
}

// room reads how many bytes a disk has to have free, which may be more than anything has in memory.
func (v *values) room(flag string, otherwise int64) int64 {
	v.read(flag, func(text string) (err error) {
		otherwise, err = strconv.ParseInt(text, 10, 64)
		if err != nil || otherwise < 1 || otherwise > mostRoom {
			return fmt.Errorf("%q is not a number of bytes: want one from 1 to %d without a unit, as 1073741824 for 1 GiB", text, int64(mostRoom))
		}
		return nil
	})
	return otherwise
}

func (v *values) duration(flag string, otherwise time.Duration) time.Duration {
	v.read(flag, func(text string) (err error) {
		otherwise, err = parseDuration(text)
		return err
	})
	return otherwise
}

// readErrors reads what is to be done with messages that fail.
func (v *values) readErrors(o *application.Options) {
	if o.DeadLetters < deadletters.Least {
		v.wrong = append(v.wrong, fmt.Errorf("--dead-letters: %d bytes are too few: want %d at least", o.DeadLetters, deadletters.Least))
	}
	v.read("on-error", func(text string) error {
		o.StopOnError = text == "stop"
		if text != "stop" && text != "dead-letter" {
			return fmt.Errorf("%q is not what an error does: want dead-letter or stop", text)
		}
		return nil
	})
	v.read("data-dir", func(text string) error {
		if text == "" {
			return errors.New("it names no directory")
		}
		return nil
	})
}

// keepFlags are those that say how a data directory keeps state.
var keepFlags = []string{
	"checkpoint-interval", "durability", "retain", "journal-free", "fresh", "allow-changed", "accept-repeats", "checkpoint-store",
	"restore", "from-savepoint", "trust",
}

// readKeep reads how state is kept.
func (v *values) readKeep(o *application.Options) {
	o.Keep = application.Keep{
		Interval: v.duration("checkpoint-interval", application.DefaultCheckpointInterval), Retain: v.count("retain", application.DefaultRetain),
		JournalFree: v.room("journal-free", application.DefaultJournalFree),
		Fresh:       v.has("fresh"), AllowChanged: v.has("allow-changed"), AcceptRepeats: v.has("accept-repeats"),
	}
	v.read("durability", func(text string) error {
		o.Keep.Sync = text == "sync"
		if text != "sync" && text != "async" {
			return fmt.Errorf("%q is no durability: want async or sync", text)
		}
		return nil
	})
	v.readPlaces(&o.Keep)
	for _, flag := range keepFlags {
		if v.has(flag) && o.DataDir == "" {
			v.wrong = append(v.wrong, fmt.Errorf("--%s is about what is kept in a data directory: give --data-dir too", flag))
		}
	}
}

// readPlaces reads where checkpoints lie, and what to begin with.
func (v *values) readPlaces(k *application.Keep) {
	place := func(flag string, into *bucket.Place) {
		v.read(flag, func(text string) (err error) {
			*into, err = bucket.Parse(text)
			return err
		})
	}
	place("checkpoint-store", &k.Store)
	place("from-savepoint", &k.From)
	k.Trust, k.Restore = v.has("trust"), v.has("restore")
	if !k.Restore {
		return
	}
	other := k.Store
	place("restore", &k.Store)
	if v.has("checkpoint-store") && other.Name() != k.Store.Name() {
		v.wrong = append(v.wrong, errors.New("--restore goes on with the checkpoint store that it names, and --checkpoint-store names another: "+
			"give one of them; --from-savepoint begins with the state of one and has its checkpoints in the other"))
	}
	if v.has("from-savepoint") {
		v.wrong = append(v.wrong, errors.New("--restore and --from-savepoint both say what to begin with: give one of them"))
	}
}

func (v *values) has(flag string) bool {
	_, has := v.given[flag]
	return has
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostCount {
		return 0, fmt.Errorf("%q is not a number from 1 to %d", text, mostCount)
	}
	return n, nil
}

// parseBytes reads a count of bytes, which has no unit.
func parseBytes(text string) (int, error) {
	n, err := parseCount(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of bytes: want one from 1 to %d without a unit, as 16777216 for 16 MiB", text, mostCount)
	}
	return n, nil
}

// parseExecutors reads a number of executors. Only the application knows how many are too many.
func parseExecutors(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostCount {
		return 0, fmt.Errorf("%q is not a number of executors: want one from 1 to the number of partitions", text)
	}
	return n, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, notSeconds := strconv.ParseFloat(text, 64); notSeconds == nil {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time: want 5s, 500ms or seconds", text)
	}
	return d, nil
}

func checkAddresses(text string) error {
	_, err := address.ParseList(text)
	return err
}

func parseHTTP(text string) (application.HTTP, error) {
	if text == "off" {
		return application.HTTP{Off: true}, nil
	}
	a, err := address.Parse(text)
	return application.HTTP{Address: &a}, err
}

// parseOutput reads N[,BYTES].
func parseOutput(text string) (application.Output, error) {
	o := defaultMaxOutput
	messages, bytes, both := strings.Cut(text, ",")
	var err error
	if o.Messages, err = parseCount(messages); err == nil && both {
		o.Bytes, err = parseBytes(bytes)
	}
	if err == nil && o.Bytes > mostOutputBytes {
		err = fmt.Errorf("%d bytes are more than the %d that there may be", o.Bytes, mostOutputBytes)
	}
	return o, err
}

// mostOutputBytes is how large the second half of --max-call-output may be: what Python sends at once has a bound of its own.
const mostOutputBytes = 256 << 20

// parseChaos reads NAME=VALUE,...: what disturbs the worker, and the credit of its edges.
func parseChaos(text string) (*worker.Chaos, int, error) {
	chaos, credit := &worker.Chaos{Markers: 10 * time.Millisecond, Moves: 0.4, Seed: 1}, 1
	var wrong []error
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		switch name {
		case "markers":
			if chaos.Markers, err = time.ParseDuration(value); err == nil && chaos.Markers <= 0 {
				err = errors.New("the time between markers must be above 0")
			}
		case "credit":
			credit, err = parseCount(value)
		case "moves":
			chaos.Moves, err = strconv.ParseFloat(value, 64)
		case "seed":
			chaos.Seed, err = strconv.ParseUint(value, 10, 64)
		default:
			err = fmt.Errorf("%q is none of markers, credit, moves and seed", name)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return chaos, credit, errors.Join(wrong...)
}
