package main

const (
	gohostFile   = "internal/gohost/executor.go"
	entitiesFile = "entities.go"
	fuseFile     = "fuse.go"
	stagesFile   = "internal/plan/stages.go"
)

// ofGraphs are conditions that only streams that branch and merge need, and those that executors of Go functions keep.
var ofGraphs = []mutant{
	{
		3, "a marker goes to shared edges when the first stage has passed it", movingFile,
		"return *p == 0", "return *p == 1%pen(all)",
	},
	{
		3, "every stage writes a marker to shared edges", movingFile,
		"return *p == 0", "return true",
	},
	{
		2, "edges of later stages need no credit", loopFile,
		"for _, sink := range l.worker.ways[stage].sinks {", "for _, sink := range l.worker.config.Stages[stage].Sinks {",
	},
	{
		3, "stages that share a sink are two islands", stagesFile,
		"if other, known := ofSink[sink]; known {", "if other, known := ofSink[sink]; known && false {",
	},
	{
		3, "stages that share a state are two islands", stagesFile,
		"if other, known := ofState[state]; known {", "if other, known := ofState[state]; known && false {",
	},
	{
		5, "nothing waits for its partition", gohostFile,
		"return x.shut[stage][p] && (!r.settles || stage != r.stage)", "return false",
	},
	{
		5, "what comes out of a queue goes back into it", gohostFile,
		"return x.shut[stage][p] && (!r.settles || stage != r.stage)", "return x.shut[stage][p]",
	},
	{
		5, "what comes out of a queue overtakes in the queues of later stages", gohostFile,
		"return x.shut[stage][p] && (!r.settles || stage != r.stage)", "return x.shut[stage][p] && !r.settles",
	},
	{
		5, "a message overtakes those that wait if its entity is here", gohostFile,
		"return len(x.shut[stage]) > 0", "return false",
	},
	{
		5, "queues of partitions that come are not shut", gohostFile,
		"x.shut[stage][m.Partition] = true", "_ = stage",
	},
	{
		5, "queues are shut at the island's first stage with state only", gohostFile,
		"for _, stage := range of.stages {", "for _, stage := range of.stages[:1] {",
	},
	{
		5, "queues do not open", gohostFile,
		"delete(x.shut[o.Stage], p)", "_ = p",
	},
	{
		7, "what is another's is kept", gohostFile,
		"if owner != x.part.Number {", "if owner < 0 {",
	},
	{
		7, "only the first state of an island moves", gohostFile,
		"for _, name := range of.states {", "for _, name := range of.states[:1] {",
	},
	{
		7, "entities move and stay", entitiesFile,
		"delete(e.byKey, one.key)", "_ = one.key",
	},
	{
		7, "entities that have moved once stay for ever", entitiesFile,
		"		e.within[one.partition] = append(e.within[one.partition], one)\n	}\n}\n\n// handAt", "	}\n}\n\n// handAt",
	},
	{
		7, "entities that come are forgotten", entitiesFile,
		"e.byKey[one.key] = one", "_ = one",
	},
	{
		7, "what goes to another executor stays till the next call", gohostFile,
		"for _, code := range x.program.Codes {", "for _, code := range x.program.Codes[:c.Stage+1] {",
	},
	{
		7, "a step that several lead to is made for each", fuseFile,
		"if f.made[step] == nil {", "if true {",
	},
	{
		7, "steps that share a state have one each", fuseFile,
		"if f.states[name] == nil {", "if true {",
	},
}
