package command

import (
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// journalRoom is how much of a disk the journal may have in TestTheJournalMakesRoomForItself: a part of what is sent.
const journalRoom = 512 << 10

// TestTheJournalMakesRoomForItself has nothing else on the disk to go: the application accepts again when checkpoints have made the journal
// needless, time and again, although none is due and nothing comes meanwhile that would have them made.
func TestTheJournalMakesRoomForItself(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	var stat unix.Statfs_t
	if err := unix.Statfs(d.path, &stat); err != nil {
		t.Fatal(err)
	}
	k := newKeeping(t, "go", 1, 30_000)
	k.data = filepath.Join(d.path, "data")
	free := int64(stat.Bavail)*stat.Bsize - journalRoom
	k.flags = []string{"--checkpoint-interval", "1h", "--journal-free", strconv.FormatInt(free, 10), "--http", "off"}
	k.inputs = k.inputs[:1]
	k.startReceiver()
	k.startWorker()
	sender := k.startSender(0, 0)
	k.worker.log.await(t, `msg="no more is accepted until there is room for the journal"`)
	sender.done()
	k.stopWorker()
	k.receiver.lives()
	k.receiver.kill()
	k.checkOutput(false)
}
