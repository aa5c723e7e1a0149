package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/status"
)

// toldKept is for people how what outlives the process stands.
func toldKept(k *status.Kept) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kept in %s: durability %s, run %d", k.DataDir, k.Durability, k.Run)
	if k.Recoveries > 0 {
		fmt.Fprintf(&b, ", went back to a checkpoint %d times", k.Recoveries)
	}
	b.WriteString("\n" + toldCheckpoint(k.Checkpoint) + "\n")
	if o := k.Open; o != nil && (o.Seconds >= 1 || o.Trouble != nil) {
		b.WriteString(toldOpen(o) + "\n")
	}
	if t := k.Untidy; t != nil {
		fmt.Fprintf(&b, "not removed, although no checkpoint needs it any more, %s: %s\n", toldTrouble(t), t.Why)
	}
	fmt.Fprintf(&b, "journal: %s, %d records, %d of them since the last checkpoint", size(k.Journal.Bytes), k.Journal.Records,
		k.Journal.SinceCheckpoint)
	if j := k.Journal; j.Syncs > 0 {
		fmt.Fprintf(&b, "; brought to disk %d times, %s records each", j.Syncs, rate(float64(j.Synced)/float64(j.Syncs)))
	}
	b.WriteByte('\n')
	if t := k.NoRoom; t != nil {
		fmt.Fprintf(&b, "no more is accepted until there is room, %s: %s\n", toldTrouble(t), t.Why)
	}
	return b.String()
}

// worthTelling is how long the next checkpoint is put off if that is told: less is over when it has been read.
const worthTelling = 2 * time.Second

// toldCheckpoint is the last checkpoint, on a line. What its state has is counted in all files that hold it: an entity that was saved
// several times counts as often, until they are folded.
func toldCheckpoint(c *status.Checkpoint) string {
	if c == nil {
		return "checkpoint: none yet"
	}
	text := fmt.Sprintf("checkpoint: epoch %d, %s ago: %s of %d entities written; state has at most %s, %d entities", c.Epoch,
		age(c.AgeSeconds), size(c.WrittenBytes), c.ChangedEntities, size(c.StateBytes), c.StateEntities)
	if t := c.Took; t != nil {
		text += fmt.Sprintf("; took %s, most of it %s", seconds(t.Seconds), t.Slowest)
		if len(t.WaitedFor) > 0 {
			text += " (" + strings.Join(t.WaitedFor, ", ") + ")"
		}
		if t.NextPutOff != nil && time.Until(*t.NextPutOff) > worthTelling {
			text += fmt.Sprintf("; the next is put off for %s, since it kept an executor from messages for %s",
				age(time.Until(*t.NextPutOff).Seconds()), seconds(t.ExecutorSeconds))
		}
	}
	return text
}

// toldOpen is the checkpoint that is under way, on a line.
func toldOpen(o *status.Open) string {
	text := fmt.Sprintf("checkpoint under way: epoch %d, for %s: %s", o.Epoch, age(o.Seconds), o.Part)
	if len(o.WaitsFor) > 0 {
		text += ", waits for " + strings.Join(o.WaitsFor, ", ")
	}
	if t := o.Trouble; t != nil {
		text += fmt.Sprintf("; it cannot be written, %s: %s", toldTrouble(t), t.Why)
	}
	return text
}

// toldTrouble is since when something fails, and how often it has.
func toldTrouble(t *status.Trouble) string {
	return fmt.Sprintf("for %s, %d attempts", age(time.Since(t.Since).Seconds()), t.Attempts)
}
