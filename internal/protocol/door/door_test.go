package door

import (
	"reflect"
	"testing"
)

// line is a pipeline of three stages: a first one, and two keyed ones.
var line = &Graph{
	Stages: []Stage{{}, {Before: []int{0}, Keyed: true}, {Before: []int{1}, Keyed: true}},
	Sinks:  []int{0},
}

// moved is a door of that pipeline that has passed marker 1, at which some partitions come.
func moved(t *testing.T, bound int, coming ...int) *Door {
	t.Helper()
	d := New(line, 0, bound)
	steps, err := d.Brought(d.Join(0), 1)
	if err != nil || !steps.Whole || !reflect.DeepEqual(steps.Passed, []int{0, 1, 2}) {
		t.Fatalf("%+v, %v", steps, err)
	}
	d.Switch(0, false, coming)
	return d
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAStageAwaitsItsEdgesAndTheStagesBefore(t *testing.T) {
	d := New(line, 0, 0)
	lane, first, second := d.Join(0), d.Join(1), d.Join(2)
	for _, step := range []struct {
		in     *Input
		passed []int
		whole  bool
	}{{second, nil, false}, {lane, []int{0}, false}, {first, []int{1, 2}, true}} {
		steps, err := d.Brought(step.in, 1)
		if err != nil || !reflect.DeepEqual(steps.Passed, step.passed) || steps.Whole != step.whole || d.Holds(step.in) == step.whole {
			t.Errorf("%+v, %v, held %t; want %+v", steps, err, d.Holds(step.in), step)
		}
	}
	if d.Holds(second) || d.Holds(lane) || !d.Quiet(1) {
		t.Error("when the island has passed, edges are held or it is not quiet")
	}
	if _, err := d.Brought(lane, 3); err == nil {
		t.Error("marker 3 came after 1")
	}
}

// TestAFullBufferHoldsWhatCouldFillIt has one partition come while another is still awaited.
func TestAFullBufferHoldsWhatCouldFillIt(t *testing.T) {
	d := moved(t, 100, 4, 5)
	must(t, d.Wait(Queue{4, 1}, 3, 50))
	if !d.May(0) || !d.May(1) || !d.May(2) {
		t.Error("the buffer has room, and holds")
	}
	must(t, d.Wait(Queue{5, 2}, 3, 50))
	if d.May(0) || d.May(1) || d.May(2) {
		t.Error("the buffer is full, and does not hold")
	}
	must(t, d.Came(0, 4))
	if q, ok := d.Next(1); ok {
		t.Errorf("the buffer is full, and %+v is emptied into stage 2, where a queue is shut", q)
	}
	must(t, d.Came(0, 5))
	q, ok := d.Next(2)
	if !ok || q != (Queue{5, 2}) {
		t.Fatalf("%+v, %t", q, ok)
	}
	d.Settled(q, 3, 50)
	if q, ok := d.Next(1); !ok || q != (Queue{4, 1}) {
		t.Errorf("the buffer has room, and %+v, %t", q, ok)
	}
}

func TestAQueueOpensAlone(t *testing.T) {
	d := moved(t, 100, 4)
	must(t, d.Wait(Queue{4, 2}, 1, 1))
	must(t, d.Came(0, 4))
	d.Began(0)
	if opened := d.Open(0); opened != nil {
		t.Errorf("opened %v, while a call is under way that may meet them", opened)
	}
	d.Done(0)
	if opened := d.Open(0); !reflect.DeepEqual(opened, map[int][]int{1: {4}}) {
		t.Errorf("opened %v; a message waits at stage 2", opened)
	}
	if d.May(1) || d.May(2) || d.Quiet(1) {
		t.Error("inputs may fill a queue that is being emptied, or all is said to be quiet")
	}
	d.Settled(Queue{4, 2}, 1, 1)
	if opened := d.Open(0); !reflect.DeepEqual(opened, map[int][]int{2: {4}}) || !d.Quiet(1) || d.Shut(0, 4) {
		t.Errorf("opened %v, quiet %t", opened, d.Quiet(1))
	}
	if err := d.Wait(Queue{4, 2}, 1, 1); err == nil {
		t.Error("a message waits in a queue that is open")
	}
}

func TestAPartitionGoesWhenItIsOutAndWrittenOut(t *testing.T) {
	d := moved(t, 100)
	d.Switch(0, true, nil)
	if d.HandsOver(0) {
		t.Error("handed over before it is taken out")
	}
	d.TakenOut(0)
	if d.HandsOver(0) || d.Quiet(1) {
		t.Error("handed over before the sink has taken the marker")
	}
	d.Took(0, 1)
	if !d.HandsOver(0) {
		t.Error("not handed over")
	}
	d.HandedOver(0)
	if !d.Quiet(1) || d.Receives(0, 2) || !d.Receives(0, 1) {
		t.Error("not quiet, or it receives too early or too late")
	}
	if d.Came(0, 7) == nil {
		t.Error("a partition came that was not awaited")
	}
}
