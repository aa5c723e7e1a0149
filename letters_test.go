package wallaroo_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wallaroo-stream/wallaroo"
	"github.com/wallaroo-stream/wallaroo/codec"
	"github.com/wallaroo-stream/wallaroo/internal/control"
	"github.com/wallaroo-stream/wallaroo/internal/deadletters"
)

// numbered is a message that fails at a place.
type numbered struct {
	Number int
	Place  string
}

func (n numbered) failAt(place string) {
	if n.Place == place {
		panic(fmt.Sprint(place, " ", n.Number))
	}
}

// health is a state with which some messages fail until it is mended.
type health struct{ Mended bool }

func (h *health) meet(n numbered) numbered {
	h.Mended = h.Mended || n.Place == "mend"
	if !h.Mended {
		n.failAt("poison")
	}
	n.failAt("state")
	return n
}

func (h *health) meetAgain(n numbered) iter.Seq[numbered] {
	return func(yield func(numbered) bool) {
		if yield(n) {
			n.failAt("several")
		}
	}
}

// failing are the places at which messages fail, and the steps that are told then.
var failing = map[string]string{
	"decode": "numbers/source", "parse": "numbers/parse", "key": "numbers/meet", "poison": "numbers/meet", "state": "numbers/meet",
	"several": "numbers/meet again", "last": "numbers/last", "encode": "numbers/results",
}

// lettered is an application in which a message has one result, or fails at the place that it names; one that mends has none.
func lettered() (*wallaroo.App, *memory) {
	m, app := newMemory(), wallaroo.New("letters")
	decode := func(data []byte) (string, error) {
		if text, is := strings.CutSuffix(string(data), " decode"); is {
			return "", errors.New("decode " + text)
		}
		return string(data), nil
	}
	parse := func(text string) (numbered, error) {
		digits, place, _ := strings.Cut(text, " ")
		number, err := strconv.Atoi(digits)
		if err == nil && place == "parse" {
			err = errors.New("parse " + digits)
		}
		return numbered{number, place}, err
	}
	encode := func(n numbered, dst []byte) ([]byte, error) {
		dst = strconv.AppendInt(dst, int64(n.Number), 10)
		if n.Place == "encode" {
			return dst, fmt.Errorf("encode %d", n.Number)
		}
		return dst, nil
	}
	app.From("numbers", source(m, decode)).
		TryMap("parse", parse, wallaroo.Parallel()).
		KeyBy(func(n numbered) int {
			n.failAt("key")
			return n.Number % 100
		}).
		StatefulMap("meet", (*health).meet).
		KeyBy(func(n numbered) string { return strconv.Itoa(n.Number)[:1] }).
		StatefulFlatMap("meet again", (*health).meetAgain).
		Filter("last", func(n numbered) bool {
			n.failAt("last")
			return n.Place != "mend"
		}).
		To("results", sink(m, encode))
	return app, m
}

// TestProcessedAndDeadLetteredIsAccepted has messages fail anywhere at random, on executors between which partitions move all the time:
// each has either one result or one dead letter, and that holds what entered the step that failed.
func TestProcessedAndDeadLetteredIsAccepted(t *testing.T) {
	app, m := lettered()
	bad, good := map[string]string{}, map[string]int{}
	var names []string
	for place := range failing {
		names = append(names, place)
	}
	slices.Sort(names)
	letters := inChaos(t, app, func(*control.Client) {
		for c := range 4 {
			chance := rand.New(rand.NewPCG(1, uint64(c)))
			var messages []string
			for n := range 600 {
				number, place := strconv.Itoa(1000*(c+1)+n), "ok"
				if chance.IntN(3) == 0 {
					place = names[chance.IntN(len(names))]
					bad[number] = place
				} else {
					good[number] = 1
				}
				messages = append(messages, number+" "+place)
			}
			m.in <- messages
		}
		m.await(t, len(good))
	})
	if !reflect.DeepEqual(m.got, good) {
		t.Errorf("%d results; want %d, each once", len(m.got), len(good))
	}
	for _, l := range letters {
		checkLetter(t, &l, bad)
	}
	if len(bad) > 0 {
		t.Errorf("%d messages have no dead letter: %v", len(bad), bad)
	}
}

// checkLetter demands that a dead letter is of a message that fails, which is taken out, and holds what entered the step.
func checkLetter(t *testing.T, l *deadletters.Letter, bad map[string]string) {
	t.Helper()
	place, number, _ := strings.Cut(strings.TrimPrefix(l.Error, "panic: "), " ")
	if bad[number] != place || l.Step != failing[place] || l.FindingKey != (place == "key") || l.Pipeline != "numbers" {
		t.Errorf("%q of %s (key: %v)", l.Error, l.Step, l.FindingKey)
	}
	delete(bad, number)
	if l.Message == nil {
		t.Errorf("%s: no message: %s", l.Error, l.MessageMissing)
		return
	}
	got, encoding := *l.Message, "text"
	if place != "decode" && place != "parse" {
		encoding = "base64-cbor"
		data, err := base64.StdEncoding.DecodeString(got)
		if err != nil {
			t.Fatal(err)
		}
		n, err := codec.CBOR[numbered]().Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		got = fmt.Sprint(n.Number, " ", n.Place)
	}
	if got != number+" "+place || *l.MessageEncoding != encoding {
		t.Errorf("%s: message %q in %s", l.Error, got, *l.MessageEncoding)
	}
}

// TestDeadLettersAreReplayedAtTheirStep mends state and replays what failed for it; what fails for another reason fails again.
func TestDeadLettersAreReplayedAtTheirStep(t *testing.T) {
	const keys = 30
	app, m := lettered()
	want := map[string]int{"9999": 1}
	var fail, mend, ids []string
	for n := range keys {
		fail = append(fail, fmt.Sprint(1000+n, " poison"), fmt.Sprint(1000+n, " key"), fmt.Sprint(1000+n, " decode"))
		mend = append(mend, fmt.Sprint(1000+n, " mend"))
		want[fmt.Sprint(1000+n)] = 1
	}
	letters := inChaos(t, app, func(client *control.Client) {
		m.in <- fail
		for _, l := range awaitLetters(t, client, len(fail)) {
			ids = append(ids, l.ID)
		}
		m.in <- append(mend, "9999 ok")
		m.await(t, 1)
		// Those that mend are behind the first step with state when each has met its own.
		for missing := true; missing; {
			if _, err := client.Replay(t.Context(), ids); err != nil {
				t.Fatal(err)
			}
			ids = nil
			missing = false
			for _, l := range awaitLetters(t, client, len(fail)) {
				if l.Replayed == nil && strings.Contains(l.Error, "poison") {
					ids, missing = append(ids, l.ID), true
				}
			}
		}
		m.await(t, keys+1)
	})
	if !reflect.DeepEqual(m.got, want) {
		t.Errorf("results %v", m.got)
	}
	again := 0
	for _, l := range letters {
		if l.Replayed == nil {
			again++
			if l.Step != "numbers/source" && !l.FindingKey || l.Connection == nil || *l.Connection != "connection 0" {
				t.Errorf("letter %s of %s waits, of connection %v", l.ID, l.Step, l.Connection)
			}
		}
	}
	if again != 2*keys {
		t.Errorf("%d failed again; want %d", again, 2*keys)
	}
}

// awaitLetters returns the dead letters of an application when there are so many.
func awaitLetters(t *testing.T, client *control.Client, n int) []deadletters.Letter {
	t.Helper()
	timeout := time.After(time.Minute)
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		page, err := client.DeadLetters(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if len(page.DeadLetters) >= n {
			return page.DeadLetters
		}
		select {
		case <-look.C:
		case <-timeout:
			t.Fatalf("%d dead letters of %d", len(page.DeadLetters), n)
		}
	}
}

// TestTheFirstFailureEndsTheApplication has what was sent before processed all the same.
func TestTheFirstFailureEndsTheApplication(t *testing.T) {
	app, m := lettered()
	ended := make(chan error, 1)
	ready := make(chan struct{})
	c := wallaroo.Config{Executors: 2, StopOnError: true, Ready: func(map[string]string) { close(ready) }}
	go func() { ended <- app.Run(t.Context(), c) }()
	<-ready
	m.in <- []string{"1000 ok", "1001 state", "1002 ok"}
	err := <-ended
	if err == nil || !strings.Contains(err.Error(), `it ends by a failure of step "numbers/meet", key 1: panic: state 1001`) ||
		!strings.Contains(err.Error(), "letters_test.go:") {
		t.Errorf("Run = %v", err)
	}
	if m.got["1000"] != 1 {
		t.Errorf("results %v", m.got)
	}
}
