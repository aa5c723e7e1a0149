"""How much may come of one message, how it is cut into pieces, and how it is counted."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Iterator
from typing import Any

import wallaroo
from staging import ALONE, PARTITIONS, Count, Running, build, count, split, whole_word
from wallaroo._application import Application
from wallaroo._protocol import Open, Switch
from wallaroo._results import Limits

NARROW = Limits(10, 1000, 4)
FLAG = "--max-call-output"


def running(application: Application, table: tuple[int, list[int]] = ALONE) -> Running:
    return Running(application, table, limits=NARROW)


@wallaroo.computation_multi(name="numbers")
def numbers(word: str) -> Iterator[str]:
    """So many numbers; there is no end to them for "all"."""
    return map(str, itertools.count() if word == "all" else range(int(word)))


class Results(unittest.TestCase):
    def assert_too_many(self, out: Any, site: str, sent: list[bytes]) -> None:
        self.assertEqual(out.sent, sent)
        self.assertEqual([failure[:2] for failure in out.failures], [(1, site)])
        self.assertIn(FLAG, out.failures[0][2])
        self.assertIn("10 results", out.failures[0][2])

    def test_a_step_may_give_so_many(self) -> None:
        run = running(build(lambda builder: builder.to(numbers)))
        run.process("10")
        self.assertEqual((len(run.out.sent), run.out.failures), (10, []))

    def test_one_more_is_a_failure_of_its_message_alone(self) -> None:
        for many in ("11", "all"):
            run = running(build(lambda builder: builder.to(numbers)))
            run.process("1", many, "2")
            self.assert_too_many(run.out, "p/numbers", [b"0", b"0", b"1"])

    def test_lists_and_state_computations_are_bounded_too(self) -> None:
        @wallaroo.computation_multi(name="it")
        def listed(word: str) -> list[str]:
            return [word] * int(word)

        @wallaroo.state_computation_multi(name="it")
        def kept(word: str, state: Count) -> tuple[Iterator[str], bool]:
            return itertools.repeat(word, int(word)), True

        run = running(build(lambda builder: builder.to(listed)))
        run.process("1", "11", "2")
        self.assert_too_many(run.out, "p/it", [b"1", b"2", b"2"])
        run = running(build(lambda builder: builder.to_stateful(kept, Count, "c")))
        run.process("1", "11", "2")
        self.assert_too_many(run.out, "p/it", [b"1", b"2", b"2"])


@wallaroo.encoder
def as_long(word: str) -> str:
    """A result of so many bytes."""
    return word[:1] * int(word)


class SinkResults(unittest.TestCase):
    def test_all_of_a_message_together_are_bounded(self) -> None:
        run = running(build(lambda builder: builder.to(split), encoder=as_long))
        run.process("1000", "300 300 400", "300 301 400", "1001", "999", "", "5 x 7", "8")
        lengths = [len(result) for result in run.out.sent]
        self.assertEqual(lengths, [1000, 300, 300, 400, 999, 5, 7, 8])
        too_much = [failure for failure in run.out.failures if FLAG in failure[2]]
        self.assertEqual([failure[:2] for failure in too_much], [(2, "p/sink"), (3, "p/sink")])
        self.assertIn("1001 bytes", too_much[0][2])
        self.assertEqual([failure[:2] for failure in run.out.failures if failure not in too_much], [(6, "p/sink")])

    def test_many_messages_together_are_not(self) -> None:
        run = running(build(lambda builder: builder.to(split), encoder=as_long))
        run.process(*["100 200"] * 500)
        self.assertEqual(([len(result) for result in run.out.sent], run.out.failures), ([100, 200] * 500, []))


class Travelling(unittest.TestCase):
    def setUp(self) -> None:
        self.application = build(lambda builder: builder.to(split).to_state_partition(count, Count, "c", whole_word))

    def test_what_goes_to_one_executor_is_cut_into_pieces(self) -> None:
        run = running(self.application, (1, [0] * PARTITIONS))
        words = [f"w{n}" for n in range(10)]
        run.process(" ".join(words))
        self.assertEqual([piece[0] for _, _, piece in run.out.exchanged], [4, 4, 2])
        for at_once in (True, False):
            other = running(self.application)
            pieces = [piece for _, _, piece in run.out.exchanged]
            for some in [pieces] if at_once else [[piece] for piece in pieces]:
                other.packed(1, *some)
            self.assertEqual([payload.decode() for payload in other.out.sent], [f"{word}1" for word in words])

    def test_one_message_for_another_executor_is_bounded(self) -> None:
        run = running(self.application, (1, [0] * PARTITIONS))
        run.process("a", "b" * 1000 + " c", "d", "e" * 900, "f" * 900)
        self.assertEqual(sum(piece[0] for _, _, piece in run.out.exchanged), 5)
        self.assertLess(max(len(piece[1]) for _, _, piece in run.out.exchanged), 1001)
        self.assertEqual([failure[:2] for failure in run.out.failures], [(1, "p/count")])
        self.assertIn(FLAG, run.out.failures[0][2])

    def test_one_message_for_a_queue_is_bounded(self) -> None:
        run = running(self.application, (1, [0] * PARTITIONS))
        list(run.stages.switch(Switch(0, 0, [(number, 1) for number in range(PARTITIONS)])))
        run.process("a", "b" * 1000, *["c"] * 9)
        self.assertEqual(sorted(piece[0] for _, _, piece in run.out.waiting), [1, 1, 4, 4])
        self.assertEqual([failure[:2] for failure in run.out.failures], [(1, "p/count")])

    def test_an_executor_that_was_not_known_at_the_start_gets_messages(self) -> None:
        run = running(self.application)
        list(run.stages.switch(Switch(0, 0, [(number, 77) for number in range(PARTITIONS)])))
        run.process("a b")
        self.assertEqual([executor for _, executor, _ in run.out.exchanged], [77])


@wallaroo.computation(name="check")
def check(word: str) -> str | None:
    if word == "bad":
        raise ValueError(word)
    return None if word == "drop" else word


@wallaroo.partition
def good_key(word: str) -> str:
    if word == "keyless":
        raise KeyError(word)
    return word


class Counts(unittest.TestCase):
    """How many messages have entered each step."""

    def test_what_is_dropped_or_fails_enters_no_later_step(self) -> None:
        application = build(lambda builder: builder.to(check).to(split).to(check).to(check))
        run = running(application)
        run.process("a b", "bad", "drop", b"\xff", "a bad drop c bad", "")
        self.assertEqual(run.entered, {1: 5, 2: 3, 3: 7, 4: 4})

    def test_a_step_with_several_results_that_fails_gives_none(self) -> None:
        run = running(build(lambda builder: builder.to(numbers).to(check)))
        run.process("2", "x", "all", "0", "3")
        self.assertEqual(run.entered, {1: 5, 2: 5})

    def test_what_goes_elsewhere_enters_there(self) -> None:
        application = build(lambda builder: builder.to(split).to_state_partition(count, Count, "c", good_key).to(check))
        here, there = running(application, (0, [1] * PARTITIONS)), running(application, (1, [1] * PARTITIONS))
        here.process("a b", "c keyless")
        self.assertEqual(here.entered, {1: 2, 2: 1, 3: 0})  # a key that fails does so in its step, here
        there.packed(1, *(piece for _, _, piece in here.out.exchanged))
        self.assertEqual(there.entered, {2: 3, 3: 3})

    def test_what_waits_enters_when_it_is_settled(self) -> None:
        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word).to(check))
        run = running(application, (1, [0] * PARTITIONS))
        moves = [(number, 1) for number in range(PARTITIONS)]
        list(run.stages.switch(Switch(0, 0, moves)))
        run.process("a", "b", "a")
        self.assertEqual(run.entered, {1: 0, 2: 0})
        entered = 0
        for stage, _, piece in run.out.waiting:
            run.packed(stage, piece, settles=True)
            entered += run.entered[1]
            self.assertEqual(run.entered[1], run.entered[2])
        self.assertEqual(entered, 3)
        run.stages.open(Open(0, 1, list(range(PARTITIONS))))
        run.process("a")
        self.assertEqual(run.entered, {1: 1, 2: 1})

    def test_a_pipeline_without_steps_has_no_counts(self) -> None:
        run = running(build(lambda builder: builder))
        run.process("a")
        self.assertEqual(run.entered, {})


if __name__ == "__main__":
    unittest.main()
