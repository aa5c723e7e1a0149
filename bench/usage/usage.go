// Package usage reads from /proc how much processor time and memory processes use. It works on Linux alone.
package usage

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which the kernel gives processor time to programs, on every architecture that Go knows.
const tick = time.Second / 100

// A Table is what all processes of the machine had used of its processors at one moment. The difference of two tables says who used how
// much between them. Processes that ended between are counted by their parents, who have waited for them.
type Table struct {
	processes map[int]process
	stolen    time.Duration
}

type process struct {
	parent int
	used   time.Duration // also by its children that have ended
}

// Now returns the table of this moment.
func Now() (Table, error) {
	stolen, err := stolen()
	if err != nil {
		return Table{}, err
	}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return Table{}, err
	}
	t := Table{processes: make(map[int]process, len(files)), stolen: stolen}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // The process has ended since it was listed.
		}
		process, err := parseStat(string(text))
		if err != nil {
			return Table{}, fmt.Errorf("%s: %w", file, err)
		}
		t.processes[pidOf(file)] = process
	}
	return t, nil
}

// Tree returns the processor time of a process and all its descendants.
func (t Table) Tree(pid int) time.Duration {
	total := t.processes[pid].used
	for _, descendant := range t.Descendants(pid) {
		total += t.processes[descendant].used
	}
	return total
}

// Descendants returns the children of a process, their children, and so on.
func (t Table) Descendants(pid int) []int {
	var descendants []int
	for child, process := range t.processes {
		if process.parent == pid && child != pid {
			descendants = append(descendants, child)
			descendants = append(descendants, t.Descendants(child)...)
		}
	}
	return descendants
}

// Total returns the processor time that was used in all: by the processes, and by what the machine's host gave to others instead.
func (t Table) Total() time.Duration {
	total := t.stolen
	for _, process := range t.processes {
		total += process.used
	}
	return total
}

// pidOf returns the number in /proc/NUMBER/stat.
func pidOf(file string) int {
	pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
	return pid
}

// parseStat reads what /proc/PID/stat holds, see proc(5). The name of the program, in parentheses, may hold anything.
func parseStat(text string) (process, error) {
	const parent, userTime, childrenSystemTime = 1, 11, 14 // places behind the name
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) <= childrenSystemTime {
		return process{}, fmt.Errorf("%q is no process status", text)
	}
	var p process
	var err error
	if p.parent, err = strconv.Atoi(fields[parent]); err != nil {
		return process{}, err
	}
	for _, field := range fields[userTime : childrenSystemTime+1] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return process{}, err
		}
		p.used += time.Duration(ticks) * tick
	}
	return p, nil
}

// stolen returns how long the machine's processors would have run, had its host not run something else.
func stolen() (time.Duration, error) {
	const stealTime = 8 // place in the first line of /proc/stat, see proc(5)
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) <= stealTime {
		return 0, fmt.Errorf("/proc/stat begins with %q and not with the times of the processors", line)
	}
	ticks, err := strconv.Atoi(fields[stealTime])
	return time.Duration(ticks) * tick, err
}
