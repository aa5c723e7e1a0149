package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// disk is a file system of its own whose power can be cut.
type disk struct {
	t           *testing.T
	image, path string
}

// newDisk makes a disk, which only root can, and not everywhere.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip(err)
	}
	folder := t.TempDir()
	d := &disk{t: t, image: filepath.Join(folder, "image"), path: filepath.Join(folder, "disk")}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 128<<20); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("mkfs.ext4", "-q", d.image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if text, err := d.mount(); err != nil {
		t.Skipf("no file system can be mounted here: %v: %s", err, text)
	}
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) mount() (text []byte, err error) {
	return exec.Command("mount", "-o", "loop", d.image, d.path).CombinedOutput()
}

func (d *disk) unmount() {
	if text, err := exec.Command("umount", d.path).CombinedOutput(); err != nil {
		d.t.Errorf("%v: %s", err, text)
	}
}

const (
	shutdownExt4 = 0x8004587d // EXT4_IOC_SHUTDOWN
	noLogFlush   = 2          // as when the power is cut: what was not synced is gone
)

// cut cuts the power: nothing more is written.
func (d *disk) cut() {
	d.t.Helper()
	folder, err := os.Open(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer folder.Close()
	if err := unix.IoctlSetPointerInt(int(folder.Fd()), shutdownExt4, noLogFlush); err != nil {
		d.t.Skipf("this file system cannot be shut down: %v", err)
	}
}

// again brings the power back, when no process has the disk any more.
func (d *disk) again() {
	d.t.Helper()
	d.unmount()
	if text, err := d.mount(); err != nil {
		d.t.Fatalf("%v: %s", err, text)
	}
}

// TestThePowerIsCut cuts the power of the disk with the data directory under load. The application starts again by itself, and output comes
// once. With --durability sync nothing that a sender knows to be accepted is lost: it would end with an error. Else it may be, and a sender
// that starts again goes on behind what is left.
func TestThePowerIsCut(t *testing.T) {
	t.Parallel()
	for _, durability := range []string{"sync", "async"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			k := newKeeping(t, "go", 1, 5000)
			k.data = filepath.Join(d.path, "data")
			k.flags = []string{"--checkpoint-interval", "200ms", "--durability", durability, "--journal-free", "1048576", "--http", "off"}
			k.inputs = k.inputs[:1]
			k.cutPower(d, durability == "sync")
		})
	}
}

// freeze has a process do nothing any more.
func (v *victim) freeze() {
	v.t.Helper()
	if err := v.cmd.Process.Signal(unix.SIGSTOP); err != nil {
		v.t.Fatal(err)
	}
	for stopped := false; !stopped; {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", v.cmd.Process.Pid))
		if err != nil {
			v.t.Fatal(err)
		}
		_, state, _ := strings.Cut(string(stat), ") ")
		stopped = strings.HasPrefix(state, "T")
	}
}

// cutPower cuts the power of the disk with the data directory three times.
func (k *keeping) cutPower(d *disk, sync bool) {
	k.t.Helper()
	k.startReceiver()
	k.startWorker()
	sender := k.startSender(0, killedRate)
	k.worker.log.await(k.t, "msg=ready")
	for range 3 {
		k.pause(1500)
		k.worker.freeze() // the process ends with the disk: it cannot tell anybody of it
		d.cut()
		k.worker.kill()
		d.again()
		k.startWorker()
		k.worker.log.await(k.t, "msg=ready")
		if !sync { // it may know more than is left, and would be told so
			sender.kill()
			sender = k.startSender(0, killedRate)
		}
	}
	sender.done()
	k.stopWorker()
	k.receiver.lives()
	k.receiver.kill()
	k.checkOutput(false)
}
