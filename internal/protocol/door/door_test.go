package door

import (
	"reflect"
	"strings"
	"testing"
)

// two is a graph of two islands with a pipeline each: stages 0, 1 and 2, and stages 3 and 4. Stages 0 and 3 take from sources and meet no
// state.
var two = &Graph{
	Stages: []Stage{
		{Island: 0},
		{Island: 0, Before: []int{0}, Keyed: true},
		{Island: 0, Before: []int{1}, Keyed: true},
		{Island: 1},
		{Island: 1, Before: []int{3}, Keyed: true},
	},
	Sinks: []int{0, 1},
}

// plenty is a bound that nothing here reaches.
const plenty = 1 << 20

func bring(t *testing.T, d *Door, in *Input, e Epoch) Steps {
	t.Helper()
	steps, err := d.Brought(in, e)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v; want %v", what, got, want)
	}
}

// TestAMarkerPassesStageByStage brings a marker to the first island by its four edges, the last stage's first.
func TestAMarkerPassesStageByStage(t *testing.T) {
	d := New(two, 0, plenty)
	lane, other := d.Join(0), d.Join(0)
	middle, last := d.Join(1), d.Join(2)
	apart := d.Join(3)
	for _, step := range []struct {
		by     *Input
		passed []int
		whole  bool
	}{
		{last, nil, false}, // its callers have not passed it
		{lane, nil, false}, // the other edge has not brought it
		{other, []int{0}, false},
		{middle, []int{1, 2}, true},
	} {
		steps := bring(t, d, step.by, 1)
		same(t, "what came of the marker", steps, Steps{Passed: step.passed, Whole: step.whole})
		same(t, "held", d.Holds(step.by), !step.whole)
	}
	same(t, "held when the island has passed", d.Holds(lane) || d.Holds(other) || d.Holds(last), false)
	same(t, "quiet while the other island has not passed", d.Quiet(1), false)
	same(t, "what came of the other island's", bring(t, d, apart, 1), Steps{Passed: []int{3, 4}, Whole: true})
	same(t, "quiet", d.Quiet(1), true)
}

func TestAnIslandHoldsNoOther(t *testing.T) {
	d := New(two, 0, plenty)
	first, _ := d.Join(0), d.Join(0)
	second, _ := d.Join(3), d.Join(3)
	bring(t, d, first, 1)
	same(t, "held", []bool{d.Holds(first), d.Holds(second)}, []bool{true, false})
}

// TestAnEdgeThatHasLeftIsNotAwaited lets one of two writers go, and another come.
func TestAnEdgeThatHasLeftIsNotAwaited(t *testing.T) {
	d := New(two, 7, plenty)
	stays, leaves := d.Join(3), d.Join(3)
	bring(t, d, stays, 8)
	same(t, "what came of the leaver's marker", bring(t, d, leaves, 8).Whole, true)
	d.Leave(leaves)
	same(t, "what came of the next", bring(t, d, stays, 9).Whole, true)
	joins := d.Join(3)
	same(t, "a joiner is held", d.Holds(joins), false)
	same(t, "what comes when a joiner is awaited", bring(t, d, stays, 10).Whole, false)
	same(t, "what came of the joiner's", bring(t, d, joins, 10).Whole, true)
}

func TestMarkersThatComeTooEarlyAreRefused(t *testing.T) {
	for what, prepare := range map[string]func(d *Door) Epoch{
		"one is left out":                func(*Door) Epoch { return 2 },
		"a partition is awaited":         func(d *Door) Epoch { d.Switch(1, false, []int{5}); return 1 },
		"a queue is shut":                func(d *Door) Epoch { d.Switch(1, false, []int{5}); _ = d.Came(1, 5); return 1 },
		"a partition is to be given out": func(d *Door) Epoch { d.Switch(1, true, nil); return 1 },
	} {
		d := New(two, 0, plenty)
		in := d.Join(3)
		if _, err := d.Brought(in, prepare(d)); err == nil {
			t.Errorf("%s: the marker was taken", what)
		}
		if what != "one is left out" && d.Quiet(0) {
			t.Errorf("%s: the door is quiet", what)
		}
	}
}

// TestWhatMayBeTaken puts the queue of partition 5 at each keyed stage of the first island into each of its states.
func TestWhatMayBeTaken(t *testing.T) {
	const open, awaited, settling = "open", "awaited", "settling"
	for _, c := range []struct {
		first, second string // the queues of stages 1 and 2
		full          bool
		may           string // of which stages' edges may be taken
	}{
		{open, open, true, "01234"},
		{awaited, awaited, false, "01234"},
		{awaited, awaited, true, "34"},
		{open, awaited, true, "34"},       // stages 0 and 1 may call stage 2
		{settling, settling, false, "34"}, // or the queues would never be empty
		{settling, open, false, "234"},
		{open, settling, false, "34"},
		{open, settling, true, "34"},
	} {
		bound := plenty
		if c.full {
			bound = 0
		}
		d := New(two, 1, bound)
		for stage, state := range map[int]string{1: c.first, 2: c.second} {
			if state != open {
				d.islands[0].queues[Queue{5, stage}] = &wait{here: state == settling, messages: 1}
				d.shut[stage]++
			}
			if state == settling {
				d.settling[stage]++
			}
		}
		var may strings.Builder
		for stage := range two.Stages {
			if d.May(stage) {
				may.WriteByte(byte('0' + stage))
			}
		}
		if may.String() != c.may {
			t.Errorf("%+v: taken may be %s", c, &may)
		}
	}
}
