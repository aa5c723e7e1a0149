package main

import (
	"fmt"
	"testing"

	"github.com/wallaroo-stream/wallaroo/examples/runner"
	"github.com/wallaroo-stream/wallaroo/wallarootest"
)

// TestExample runs the application over the data of the Python example.
func TestExample(t *testing.T) {
	t.Parallel()
	votes := func(v Votes) string { return fmt.Sprintf("%c %d", v.Letter, v.Votes) }
	runner.Test(t, application, runner.Example{
		Folder:  "alphabet",
		Inputs:  []runner.Input{{Pipeline: "Count Votes", File: "votes.msg"}},
		Outputs: []runner.Output{{File: "expected.txt", Key: `^\w`, Next: runner.Record(votes)}},
	})
}

func TestVotesOfALetterAreAdded(t *testing.T) {
	t.Parallel()
	result := wallarootest.Run(t, application(), wallarootest.Inputs("a\x00\x00\x00\x02", "b\x00\x00\x00\x03", "a\x00\x00\x01\x00"))
	if votes, err := result.Entity[AllVotes]("Count Votes/add votes", byte('a')); err != nil || votes == nil || *votes != 258 {
		t.Errorf("a has %v votes, %v; want 258", votes, err)
	}
}

func TestAVoteOfAnotherLengthFails(t *testing.T) {
	t.Parallel()
	result := wallarootest.Run(t, application(), wallarootest.Inputs("a", "a\x00\x00\x00\x02"), wallarootest.Failures())
	if len(result.Failures) != 1 || result.Failures[0].Step != "Count Votes/source" || len(result.Output()) != 1 {
		t.Errorf("outputs %q, failures %v", result.Output(), result.Failures)
	}
}
