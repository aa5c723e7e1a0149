package main

// mutant is a condition that is taken away.
type mutant struct {
	rule    int    // of docs/internals/door.md
	what    string // is wrong then
	file    string
	old     string // stands once in the file
	becomes string
}

const (
	doorFile    = "internal/protocol/door/door.go"
	movesFile   = "internal/protocol/door/moves.go"
	loopFile    = "internal/worker/loop.go"
	callsFile   = "internal/worker/calls.go"
	movingFile  = "internal/worker/moving.go"
	inletFile   = "internal/worker/inlet.go"
	outletFile  = "internal/worker/outlet.go"
	markingFile = "internal/worker/marking.go"
	resizeFile  = "internal/worker/resize.go"
	replayFile  = "internal/worker/replay.go"
)

var mutants = []mutant{
	{
		2, "input is taken without credit", loopFile,
		"case !settles && !takes || !l.mayWrite(stage):", "case !settles && !takes:",
	},
	{
		2, "a sink's edge needs no credit", loopFile,
		"if !l.sinks[sink].hasCredit() {", "if sink < 0 {",
	},
	{
		2, "edges to other executors need no credit", loopFile,
		"if in != nil && !in.edge.hasCredit() {", "if in != nil && false {",
	},
	{
		2, "a source needs no credit", inletFile,
		"if lane := i.lanes[c.at]; lane.edge.hasCredit() {", "if lane := i.lanes[c.at]; true {",
	},
	{
		2, "a call holds more messages than the credit", loopFile,
		"b, _ := in.edge.take(messages)", "b, _ := in.edge.take(unlimited)",
	},
	{
		2, "credit is not given back", callsFile,
		"p.from.edge.giveBack(p.taken)", "_ = p.taken",
	},
	{
		2, "a waiting connection's turn is not passed on", inletFile,
		"c.turn.notify()", "_ = c.turn",
	},
	{
		3, "a marker overtakes the calls that have begun", movingFile,
		"if len(l.calls) == 0 {", "if true {",
	},
	{
		3, "a marker goes behind the first call that has begun, not the last", movingFile,
		"last := l.calls[len(l.calls)-1]", "last := l.calls[0]",
	},
	{
		3, "a call holds messages of two epochs", loopFile,
		" && len(c.markers) == 0 {", " {",
	},
	{
		3, "a stage passes e when one of its edges brought it", doorFile,
		"return !slices.ContainsFunc(d.inputs[stage], func(in *Input) bool { return in.brought < e })",
		"return len(d.inputs[stage]) == 0 || slices.ContainsFunc(d.inputs[stage], func(in *Input) bool { return in.brought >= e })",
	},
	{
		3, "a stage does not wait for the stages that call it", doorFile,
		"return !slices.ContainsFunc(d.graph.Stages[stage].Before, func(before int) bool { return d.passed[before] < e })", "return true",
	},
	{
		3, "an island is whole when one of its stages has passed", doorFile,
		"steps.Whole = !slices.ContainsFunc(of.stages, func(stage int) bool { return d.passed[stage] < e })",
		"steps.Whole = of.whole < e && len(steps.Passed) > 0",
	},
	{
		3, "a stage routes by the new table as soon as it is announced", movingFile,
		"l.moving.epoch, l.moving.moves = e, moves\n",
		"l.moving.epoch, l.moving.moves = e, moves\n\tfor _, island := range l.worker.islands {\n\t\tl.switchTable(island)\n\t}\n",
	},
	{
		3, "a stage never routes by the new table", movingFile,
		"o.begin = func(id uint32) { l.executor.Switch(Switch{ID: id, Island: island, Moves: moves}) }",
		"o.begin = func(id uint32) { l.executor.Switch(Switch{ID: id, Island: island, Moves: moves[:0]}) }",
	},
	{
		3, "a message is sent again between the markers of its stage and of its island", doorFile,
		"return d.passed[stage] == d.island(stage).whole && d.May(stage)", "return d.May(stage)",
	},
	{
		2, "a message is sent again without credit", replayFile,
		"if !l.door.Enters(r.Stage) || !l.mayWrite(r.Stage) {", "if !l.door.Enters(r.Stage) {",
	},
	{
		5, "a message is sent again that may meet a queue which is being emptied", doorFile,
		"return d.passed[stage] == d.island(stage).whole && d.May(stage)", "return d.passed[stage] == d.island(stage).whole",
	},
	{
		4, "an edge that brought e is not held", doorFile,
		"return in.brought > d.island(in.Stage).whole", "return false",
	},
	{
		4, "... is held until its own stage has passed e", doorFile,
		"return in.brought > d.island(in.Stage).whole", "return in.brought > d.passed[in.Stage]",
	},
	{
		4, "... is held until every island has passed e", doorFile,
		"return in.brought > d.island(in.Stage).whole",
		"for _, of := range d.islands {\n\t\tif in.brought > of.whole {\n\t\t\treturn true\n\t\t}\n\t}\n\treturn false",
	},
	{
		4, "held edges are not released", movingFile,
		"return l.release(island)", "return nil",
	},
	{
		5, "a queue opens when its partition has come", movesFile,
		"if q.Stage == stage && w.here && w.messages == 0 {", "if q.Stage == stage && w.here {",
	},
	{
		5, "a queue opens while calls are under way that may meet it shut", movesFile,
		"if d.settling[stage] == 0 || d.underWay(stage) {", "if d.settling[stage] == 0 {",
	},
	{
		5, "... while calls of earlier stages are", movesFile,
		"if n > 0 && (from == stage || slices.Contains(d.calls[from], stage)) {", "if n > 0 && from == stage {",
	},
	{
		5, "... while calls of its own stage are", movesFile,
		"if n > 0 && (from == stage || slices.Contains(d.calls[from], stage)) {", "if n > 0 && slices.Contains(d.calls[from], stage) {",
	},
	{
		5, "queues open only when all of the island are empty", movesFile,
		"	for q, w := range of.queues {\n\t\tif q.Stage == stage && w.here && w.messages == 0 {",
		"	for _, w := range of.queues {\n\t\tif !w.here || w.messages > 0 {\n\t\t\treturn nil\n\t\t}\n\t}\n" +
			"	for q, w := range of.queues {\n\t\tif q.Stage == stage && w.here && w.messages == 0 {",
	},
	{
		5, "inputs are taken that may fill a queue which is being emptied", doorFile,
		"return !mayMeet(d.settling) && (!d.full() || !mayMeet(d.shut))", "return !d.full() || !mayMeet(d.shut)",
	},
	{
		5, "a full buffer holds no edge", doorFile,
		"return !mayMeet(d.settling) && (!d.full() || !mayMeet(d.shut))", "return !mayMeet(d.settling)",
	},
	{
		5, "a full buffer holds no queue", movesFile,
		"if d.settling[stage] == 0 || d.full() && d.calling(stage, d.shut) {", "if d.settling[stage] == 0 {",
	},
	{
		5, "a full buffer holds every edge and queue", doorFile,
		"return !mayMeet(d.settling) && (!d.full() || !mayMeet(d.shut))", "return !mayMeet(d.settling) && !d.full()",
	},
	{
		5, "a full buffer holds every queue", movesFile,
		"if d.settling[stage] == 0 || d.full() && d.calling(stage, d.shut) {", "if d.settling[stage] == 0 || d.full() {",
	},
	{
		5, "a full buffer does not mind calls", doorFile,
		"mayMeet := func(queues []int) bool { return queues[stage] > 0 || d.calling(stage, queues) }",
		"mayMeet := func(queues []int) bool { return queues[stage] > 0 }",
	},
	{
		5, "what waits weighs nothing", movesFile,
		"d.waiting += weight", "d.waiting += 0 * weight",
	},
	{
		5, "what waited is settled out of order", movingFile,
		"l.moving.waiting[q] = append(l.moving.waiting[q], b)", "l.moving.waiting[q] = append([]message.Batch{b}, l.moving.waiting[q]...)",
	},
	{
		6, "nobody awaits a joiner's markers", doorFile,
		"	d.inputs[stage] = append(d.inputs[stage], in)\n",
		"	if in.brought == 0 {\n\t\td.inputs[stage] = append(d.inputs[stage], in)\n\t}\n",
	},
	{
		6, "a joiner starts as one that has passed e", "internal/worker/worker.go",
		"l := newLoop(w, len(others), executor, w.epoch)", "l := newLoop(w, len(others), executor, w.epoch+1)",
	},
	{
		6, "connections change executors before the marker", markingFile,
		"	for _, inlet := range w.inlets {\n\t\tinlet.inject(w.epoch, next.Executors)\n",
		"	for _, inlet := range w.inlets {\n\t\tinlet.mu.Lock()\n\t\tinlet.repin(next.Executors)\n\t\tinlet.mu.Unlock()\n\t}\n" +
			"\ttime.Sleep(5 * time.Millisecond)\n\tfor _, inlet := range w.inlets {\n\t\tinlet.inject(w.epoch, next.Executors)\n",
	},
	{
		6, "a leaver's edges are awaited for ever", markingFile,
		"l.door.Leave(in.door)", "_ = in.door",
	},
	{
		7, "a sink does not align", outletFile,
		"return s.brought > o.passed", "return false",
	},
	{
		7, "a sink passes e when one edge brought it", outletFile,
		"least = min(least, s.brought)", "least = min(s.brought, least+1)",
	},
	{
		7, "a partition is handed over before the sinks have taken e", movesFile,
		"return of.leaving == takenOut && d.writtenOut(number, of.whole)", "return of.leaving == takenOut",
	},
	{
		7, "a partition is handed over before it is taken out", movesFile,
		"return of.leaving == takenOut && d.writtenOut(number, of.whole)", "return of.leaving != nothing && d.writtenOut(number, of.whole)",
	},
	{
		7, "a partition comes in before its new owner has passed e", movesFile,
		"return d.islands[number].whole >= e", "return true",
	},
	{
		8, "e+1 starts before all have passed e", doorFile,
		"if of.whole < e || !of.quiet() {", "if !of.quiet() {",
	},
	{
		8, "e+1 starts before every partition has come", doorFile,
		"return len(i.awaited) == 0 && len(i.queues) == 0 && i.leaving == nothing",
		"return (len(i.awaited) > 0 || len(i.queues) == 0) && i.leaving == nothing",
	},
	{
		8, "e+1 starts before all queues are open", doorFile,
		"len(i.awaited) == 0 && len(i.queues) == 0 && i.leaving == nothing", "len(i.awaited) == 0 && i.leaving == nothing",
	},
	{
		8, "e+1 starts before what leaves has left", doorFile,
		"len(i.awaited) == 0 && len(i.queues) == 0 && i.leaving == nothing", "len(i.awaited) == 0 && len(i.queues) == 0",
	},
	{
		8, "a leaver goes before it has written its markers", movingFile,
		"		if len(c.markers) > 0 {\n\t\t\treturn\n\t\t}\n", "		_ = c.markers\n",
	},
}
