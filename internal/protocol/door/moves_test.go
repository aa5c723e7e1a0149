package door

import "testing"

// came is a door whose first island awaited a partition that has come, with so many messages in its queues at stages 1 and 2.
func came(t *testing.T, bound, first, second int) *Door {
	t.Helper()
	d := New(two, 1, bound)
	d.Switch(0, false, []int{5})
	for stage, messages := range map[int]int{1: first, 2: second} {
		if err := d.Wait(Queue{5, stage}, messages, messages*10); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Came(0, 5); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestAPartitionIsEmptiedAndOpens takes what waits for a partition out of its queues, the later stage's first.
func TestAPartitionIsEmptiedAndOpens(t *testing.T) {
	d := came(t, plenty, 2, 1)
	same(t, "what opens at first", d.Open(0), map[int][]int(nil))
	settle := func(stage, messages int) {
		t.Helper()
		q, ok := d.Next(stage)
		if !ok || q != (Queue{5, stage}) {
			t.Fatalf("stage %d is to settle %v, %v", stage, q, ok)
		}
		d.Began(stage)
		d.Settled(q, messages, messages*10)
	}
	settle(2, 1)
	same(t, "what opens while the call is under way", d.Open(0), map[int][]int(nil))
	d.Done(2)
	same(t, "what opens when it is done", d.Open(0), map[int][]int{2: {5}})
	same(t, "partition 5 is shut", d.Shut(0, 5), true)
	settle(1, 2)
	d.Done(1)
	same(t, "what waits", d.Waiting(), 0)
	same(t, "what opens at last", d.Open(0), map[int][]int{1: {5}})
	same(t, "quiet", d.Quiet(1), true)
}

// TestAQueueWaitsForTheCallsThatMayMeetIt begins calls at each stage while the queue of stage 2 is empty.
func TestAQueueWaitsForTheCallsThatMayMeetIt(t *testing.T) {
	for stage, waits := range map[int]bool{0: true, 1: true, 2: true, 3: false, 4: false} {
		d := came(t, plenty, 1, 0)
		d.Began(stage)
		if opened := d.Open(0); (opened == nil) != waits {
			t.Errorf("during a call of stage %d opens %v", stage, opened)
		}
		d.Done(stage)
		same(t, "what opens when it is done", d.Open(0) != nil, waits)
	}
}

// TestAFullBufferEmptiesLaterStagesFirst settles while another partition is awaited, or none.
func TestAFullBufferEmptiesLaterStagesFirst(t *testing.T) {
	d := came(t, 20, 1, 1)
	_, first := d.Next(1)
	_, second := d.Next(2)
	same(t, "stages 1 and 2 settle", []bool{first, second}, []bool{false, true})
	d.Settled(Queue{5, 2}, 1, 10)
	_, first = d.Next(1)
	same(t, "stage 1 settles when the buffer has room", first, true)
}

func TestWhatIsAwaitedDoesNotSettle(t *testing.T) {
	d := came(t, plenty, 0, 0)
	d.islands[0].queues[Queue{6, 1}] = &wait{messages: 1}
	q, ok := d.Next(1)
	same(t, "there is something to settle", ok, false)
	same(t, "what it is", q, Queue{})
}

// TestAHandOverWaitsForTheStateAndTheSinks has partitions leave the first island.
func TestAHandOverWaitsForTheStateAndTheSinks(t *testing.T) {
	d := New(two, 1, plenty)
	d.islands[0].whole, d.islands[1].whole = 2, 2
	d.Switch(0, true, nil)
	d.Took(0, 2)
	same(t, "it hands over before the state is at hand", d.HandsOver(0), false)
	d.TakenOut(0)
	same(t, "it hands over", d.HandsOver(0), true)
	same(t, "the other island does", d.HandsOver(1), false)
	d.Took(0, 1)
	d.Took(1, 2)
	same(t, "it hands over when only the other island's sink has taken the marker", d.HandsOver(0), false)
	same(t, "quiet before it has", d.Quiet(2), false)
	d.HandedOver(0)
	same(t, "quiet", d.Quiet(2), true)
}

func TestAPartitionIsReceivedBehindItsMarker(t *testing.T) {
	d := New(two, 1, plenty)
	same(t, "received at once", []bool{d.Receives(0, 1), d.Receives(0, 2)}, []bool{true, false})
	if d.Came(0, 5) == nil {
		t.Error("a partition came that was not awaited")
	}
	if d.Wait(Queue{5, 1}, 1, 1) == nil {
		t.Error("a message waits in a queue that is open")
	}
}
