package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/bench/program"
)

// unknown stands for what this machine does not tell.
const unknown = "unknown"

// conditions says when, where and how results were measured, in a paragraph.
func conditions(s settings, began time.Time, results []result) string {
	pairs, thrown := 0, 0
	for _, r := range results {
		pairs += len(r.pairs) + r.thrown
		thrown += r.thrown
	}
	return fmt.Sprintf("Measured on %s by `%s` at commit %s.\nMachine: %d processors (%s), %.0f GiB of memory, Linux %s, %s, %s.\n"+
		"Data directories lie on %s.\n"+
		"Thrown away because other programs took more than %.0f %% of the processors: %d of %d pairs.\n",
		began.Format(time.DateOnly), s.command, commit(), runtime.NumCPU(), field("/proc/cpuinfo", "model name"), memory(),
		kernel(), strings.Replace(runtime.Version(), "go", "Go ", 1), said(program.Python(), "--version"), fileSystem(os.TempDir()),
		s.maxOthers, thrown, pairs)
}

// commit returns the commit that is checked out, and whether files differ from it, the table aside.
func commit() string {
	hash := said("git", "rev-parse", "--short", "HEAD")
	if hash != unknown && said("git", "status", "--porcelain", "--", ".", ":!"+tableFile) != "" {
		return hash + " with changes"
	}
	return hash
}

// said returns what a command writes to standard output.
func said(command string, args ...string) string {
	text, err := exec.Command(command, args...).Output()
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(text))
}

// memory returns the machine's memory in GiB, or 0 if it does not tell.
func memory() float64 {
	number, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	kilobytes, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return float64(kilobytes) / (1 << 20)
}

func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(release))
}

// field returns the value of the first line "name: value" of a file.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return unknown
	}
	_, rest, found := strings.Cut(string(text), name)
	if !found {
		return unknown
	}
	line, _, _ := strings.Cut(rest, "\n")
	_, value, _ := strings.Cut(line, ":")
	return strings.TrimSpace(value)
}
