package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wallaroo-stream/wallaroo/internal/checkpoints"
)

// size tells bytes to people.
func size(bytes int64) string {
	n, unit := float64(bytes), 0
	for n >= 1024 && unit < 4 {
		n, unit = n/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %ciB", n, "KMGT"[unit-1])
}

// listed is a list for people.
func listed(list *checkpoints.List) string {
	if len(list.Checkpoints) == 0 {
		return "no checkpoints\n"
	}
	rows := [][]string{{"RUN", "EPOCH", "TIME", "AGE", "SIZE", "ENTITIES", "TOOK", "KEPT", "STATES"}}
	for i := range list.Checkpoints {
		c := &list.Checkpoints[i]
		if c.Kept == checkpoints.Damaged {
			rows = append(rows, []string{"?", "?", "?", "?", "?", "?", "?", c.Kept, c.Damage})
			continue
		}
		rows = append(rows, []string{
			fmt.Sprint(c.Run), fmt.Sprint(c.Epoch), c.Time.UTC().Format(time.RFC3339), age(c.AgeSeconds), size(c.Bytes),
			fmt.Sprint(c.EntitiesAtMost), seconds(c.TookSeconds), c.Kept, strings.Join(c.States, ", "),
		})
	}
	return columns(rows)
}

// columns puts cells below one another.
func columns(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for n, cell := range row {
			widths[n] = max(widths[n], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for n, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[n]-len([]rune(cell))+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// verified tells people what became of reading checkpoints.
func verified(list []checkpoints.Verified) string {
	var b strings.Builder
	for _, v := range list {
		switch {
		case len(v.Damage) == 0:
			fmt.Fprintf(&b, "run %d epoch %d: whole, %s read\n", v.Run, v.Epoch, size(v.Bytes))
		case v.Epoch == 0:
			fmt.Fprintf(&b, "%s: damaged\n", v.Name)
		default:
			fmt.Fprintf(&b, "run %d epoch %d: damaged\n", v.Run, v.Epoch)
		}
		for _, what := range v.Damage {
			fmt.Fprintf(&b, "  %s\n", what)
		}
	}
	return b.String()
}

// damaged is an error if one of them is, or if there is none.
func damaged(list []checkpoints.Verified) error {
	if len(list) == 0 {
		return failed(errors.New("there is no such checkpoint"))
	}
	count := 0
	for _, v := range list {
		if len(v.Damage) > 0 {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return failed(fmt.Errorf("%d of %d checkpoints are damaged", count, len(list)))
}

// inspected is what a checkpoint holds, for people.
func inspected(d *checkpoints.Detail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "checkpoint of run %d, epoch %d, of application %q\n", d.Run, d.Epoch, d.Application)
	fmt.Fprintf(&b, "committed %s, %s ago, in %s; %s in all, %s of it new; %d partitions\n", d.Time.UTC().Format(time.RFC3339),
		age(d.AgeSeconds), seconds(d.TookSeconds), size(d.Bytes), size(d.WrittenBytes), d.Partitions)
	fmt.Fprintf(&b, "%s, sha256 %s\n\n", d.Name, d.Digest)
	rows := [][]string{{"STATE", "ENTITIES", "SIZE"}}
	for _, s := range d.States {
		rows = append(rows, []string{s.State, fmt.Sprint(s.Entities), size(s.Bytes)})
		for _, k := range s.Keys {
			rows = append(rows, []string{"  " + k.Key, "", size(int64(k.Bytes))})
		}
	}
	b.WriteString(columns(rows) + "\n")
	rows = [][]string{{"SOURCE", "ACCEPTED", "NEXT RECORD", "STREAMS"}}
	for _, s := range d.Sources {
		rows = append(rows, []string{s.Source, fmt.Sprint(s.Accepted), fmt.Sprint(s.Next), streams(s.Streams)})
	}
	b.WriteString(columns(rows) + "\n")
	rows = [][]string{{"FILE", "EPOCH", "ENTITIES", "SIZE", "HASHES"}}
	for _, o := range d.Bases {
		rows = append(rows, []string{
			o.Name, fmt.Sprint(o.Epoch), fmt.Sprint(o.Entities), size(o.Bytes), fmt.Sprintf("base, %08x to %08x", o.From, o.To),
		})
	}
	for _, o := range d.Deltas {
		rows = append(rows, []string{o.Name, fmt.Sprint(o.Epoch), fmt.Sprint(o.Entities), size(o.Bytes), "delta"})
	}
	b.WriteString(columns(rows))
	var fingerprint bytes.Buffer
	if json.Indent(&fingerprint, d.Fingerprint, "", "  ") == nil {
		fmt.Fprintf(&b, "\nfingerprint\n%s\n", fingerprint.String())
	}
	return b.String()
}

// streams tells how far the first of a source's streams have come.
func streams(all map[string]uint64) string {
	const most = 8
	var shown []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(shown) == most {
			shown = append(shown, fmt.Sprintf("and %d more", len(all)-most))
			break
		}
		shown = append(shown, fmt.Sprintf("%s %d", strconv.Quote(name), all[name]))
	}
	return strings.Join(shown, ", ")
}
