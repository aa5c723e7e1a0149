package worker_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/wallaroo-stream/wallaroo/internal/partition"
	"github.com/wallaroo-stream/wallaroo/internal/worker"
)

// imagined is a random application: pipelines of a first stage, which makes several messages of one, and keyed stages, each of which counts
// the messages of a key in a state that may be another stage's too. What becomes of a message follows from its number, so that the outcome
// is known without running.
type imagined struct {
	stages     []imaginedStage
	pipelines  int
	keys       int
	partitions int
}

type imaginedStage struct {
	worker.Stage
	Pipeline int
	state    string
	salt     int
	keys     int
	fan      int // messages that one becomes
}

// imaginedMessage is a message on its way; what it was when it was sent stands in front.
type imaginedMessage struct {
	peer   string
	index  int
	number int
	path   string // STATE:KEY:COUNT for each keyed stage that it has been through
}

func (m imaginedMessage) String() string {
	return fmt.Sprint(m.peer, " ", m.index, " ", m.number, " ", m.path)
}

func parse(text string) imaginedMessage {
	parts := strings.SplitN(strings.TrimSpace(text), " ", 4)
	m := imaginedMessage{peer: parts[0]}
	m.index, _ = strconv.Atoi(parts[1])
	m.number, _ = strconv.Atoi(parts[2])
	if len(parts) == 4 {
		m.path = parts[3]
	}
	return m
}

// imagine makes a random application.
func imagine(chance *rand.Rand) *imagined {
	a := &imagined{pipelines: 1 + chance.IntN(3), keys: 1 + chance.IntN(12), partitions: 1 << chance.IntN(5)}
	var states []string
	for p := range a.pipelines {
		a.stages = append(a.stages, imaginedStage{Pipeline: p, fan: 1 + chance.IntN(3)})
		for range chance.IntN(4) { // none: an island without state
			s := imaginedStage{
				Keyed: true, Before: []int{len(a.stages) - 1}, Pipeline: p,
				state: fmt.Sprint("s", len(a.stages)), salt: chance.IntN(100), keys: a.keys, fan: 1,
			}
			if len(states) > 0 && chance.IntN(5) == 0 {
				s.state = states[chance.IntN(len(states))]
			}
			if chance.IntN(4) == 0 {
				s.fan = 2
			}
			states = append(states, s.state)
			a.stages = append(a.stages, s)
		}
		a.stages[len(a.stages)-1].Sinks = []int{p}
	}
	a.joinIslands()
	return a
}

// joinIslands names the islands by their first stages, as plans do: stages of one pipeline, or with a state in common, are of one.
func (a *imagined) joinIslands() {
	of := make([]int, a.pipelines)
	for p := range of {
		of[p] = p
	}
	for _, s := range a.stages {
		for _, other := range a.stages {
			if s.Keyed && s.state == other.state {
				from, to := of[s.Pipeline], of[other.Pipeline]
				for p := range of {
					if of[p] == from {
						of[p] = to
					}
				}
			}
		}
	}
	least := map[int]int{} // the first stage of each
	for n := range a.stages {
		island := of[a.stages[n].Pipeline]
		if _, known := least[island]; !known {
			least[island] = n
		}
		a.stages[n].Island = least[island]
	}
}

func (a *imagined) islandOf(state string) int {
	for _, s := range a.stages {
		if s.state == state {
			return s.Island
		}
	}
	return -1
}

func (a *imagined) islandOfPipeline(p int) int {
	for _, s := range a.stages {
		if s.Pipeline == p {
			return s.Island
		}
	}
	return -1
}

func (a *imagined) workerStages() []worker.Stage {
	var list []worker.Stage
	for _, s := range a.stages {
		list = append(list, s.Stage)
	}
	return list
}

// partitionOf is the partition of a key, which is text.
func (a *imagined) partitionOf(key string) int {
	return partition.Of(partition.Hash(append([]byte{4}, key...)), a.partitions)
}

func (s *imaginedStage) fanOut(m imaginedMessage) []imaginedMessage {
	var list []imaginedMessage
	for i := range s.fan {
		next := m
		next.number = m.number*3 + i
		list = append(list, next)
	}
	return list
}

func (s *imaginedStage) key(m imaginedMessage) string {
	return fmt.Sprint("k", (m.number*7+s.salt*3)%s.keys)
}

// counted is what a message becomes when it was the count-th of its key.
func (s *imaginedStage) counted(m imaginedMessage, key string, count int) []imaginedMessage {
	m.path = strings.TrimPrefix(fmt.Sprintf("%s,%s:%s:%d", m.path, s.state, key, count), ",")
	return s.fanOut(m)
}

// imaginedOutput is what comes out of a message: the counters it met, in order, and for each of them its key.
type imaginedOutput struct {
	peer  string
	index int
	keys  string // STATE:KEY, in order
}

// outcome is what messages of a pipeline do: their outputs, each so many times, and how far they raise each counter.
type outcome struct {
	outputs  map[imaginedOutput]int
	counters map[string]int // by STATE:KEY
}

// expect adds what message index of a peer does.
func (a *imagined) expect(o *outcome, pipeline int, peer string, index int) {
	var follow func(stage int, m imaginedMessage)
	follow = func(stage int, m imaginedMessage) {
		if stage == len(a.stages) || a.stages[stage].Pipeline != pipeline {
			o.outputs[imaginedOutput{peer: peer, index: index, keys: m.path}]++
			return
		}
		s := &a.stages[stage]
		if s.Keyed {
			name := s.state + ":" + s.key(m)
			o.counters[name]++
			m.path = strings.TrimPrefix(m.path+","+name, ",")
		}
		for _, next := range s.fanOut(m) {
			follow(stage+1, next)
		}
	}
	for n, s := range a.stages {
		if s.Pipeline == pipeline {
			follow(n, imaginedMessage{number: index})
			return
		}
	}
}
