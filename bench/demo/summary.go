package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/wallaroo-stream/wallaroo/bench/notation"
)

// barWidth is the length of the most frequent word's bar in characters.
const barWidth = 40

// writeWords writes the most frequent words, each with its count and a bar.
func writeWords(out io.Writer, counts map[string]int) {
	words := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	words = words[:min(mostFrequent, len(words))]
	width := 0
	for _, word := range words {
		width = max(width, len([]rune(word)))
	}
	fmt.Fprintln(out, "The most frequent words:")
	for _, word := range words {
		bar := strings.Repeat("█", max(1, barWidth*counts[word]/counts[words[0]]))
		fmt.Fprintf(out, "  %-*s %9s  %s\n", width, word, notation.Grouped(counts[word]), bar)
	}
	fmt.Fprintln(out)
}

// write writes how much went through, how fast, and how long it took each word.
func (f flow) write(out io.Writer) {
	fmt.Fprintf(out, "messages  %s\n", notation.Grouped(f.messages))
	fmt.Fprintf(out, "words     %s\n", notation.Grouped(f.words))
	fmt.Fprintf(out, "speed     %s words/s, the sender's pace; at full speed, in the beginning, %s words/s\n",
		notation.Grouped(int(f.paced)), notation.Grouped(int(f.fullSpeed)))
	fmt.Fprintf(out, "latency   p50 %s, p90 %s, p99 %s, max %s\n\n",
		notation.Duration(f.latency.Percentile(50)), notation.Duration(f.latency.Percentile(90)), notation.Duration(f.latency.Percentile(99)),
		notation.Duration(f.latency.Max()))
}
