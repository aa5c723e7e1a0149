package usage

import (
	"fmt"
	"os"
	"strings"
)

// Resident returns how many bytes of a process's memory are in the machine's, shared files included.
func Resident(pid int) (int64, error) {
	file := fmt.Sprintf("/proc/%d/status", pid)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	_, value, _ := strings.Cut(string(text), "\nVmRSS:")
	var kilobytes int64
	if _, err := fmt.Sscanf(value, "%d kB", &kilobytes); err != nil {
		return 0, fmt.Errorf("%s: resident memory (VmRSS): %w", file, err)
	}
	return kilobytes << 10, nil
}
