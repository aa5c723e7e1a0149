"""Care: what is noted before user code is called, and messages that are kept from a step."""

from __future__ import annotations

import unittest

from staging import Count, Running, build, count, split, whole_word
from wallaroo import ApplicationBuilder
from wallaroo._care import Care, Noted, Skip, digest


def words(builder: ApplicationBuilder) -> object:
    return builder.to(split).to_state_partition(count, Count, "counts", whole_word)


class WithCare(unittest.TestCase):
    def setUp(self) -> None:
        self.running = Running(build(words))
        self.noted: list[Noted] = []

    def take_care(self, *skips: Skip) -> None:
        self.running.stages.take_care(Care(self.noted.append, skips))

    def test_each_call_is_noted_before_it(self) -> None:
        self.running.process("a")
        self.take_care()
        self.assertEqual(self.running.process("b a"), ["a1", "b1", "a2"])
        expected = [
            ("p/source", False, b"b a"),
            ("p/split", False, "b a"),
            ("p/count", True, "b"),
            ("p/count", False, "b"),
            ("p/sink", False, "b1"),
            ("p/count", True, "a"),
            ("p/count", False, "a"),
            ("p/sink", False, "a2"),
        ]
        self.assertEqual(self.noted, [Noted(step, key, digest(message)) for step, key, message in expected])

    def test_a_message_is_skipped_once(self) -> None:
        for step, finding_key, message, left in (
            ("p/source", False, b"a b", ["a1", "b1"]),
            ("p/split", False, "a b", ["a1", "b1"]),
            ("p/count", True, "a", ["b1", "a1", "b2"]),
            ("p/count", False, "a", ["b1", "a1", "b2"]),
            ("p/sink", False, "a1", ["b1", "a2", "b2"]),
        ):
            self.setUp()
            self.take_care(Skip(Noted(step, finding_key, digest(message)), "it is deadly"))
            self.running.process("a b")
            self.assertEqual(self.running.process("a b"), left, step)
            [(_, site, error, _)] = self.running.out.failures
            self.assertEqual((site, error), (step + " key" * finding_key, "RuntimeError: it is deadly"))
            self.assertEqual(self.running.out.lost, [message])

    def test_as_many_of_equal_messages_are_skipped_as_were_convicted(self) -> None:
        skip = Skip(Noted("p/count", False, digest("a")), "it is deadly")
        self.take_care(skip, skip)
        self.assertEqual(self.running.process("a b a a"), ["b1", "a1"])
        self.assertEqual(self.running.out.lost, ["a", "a"])

    def test_no_more_care(self) -> None:
        self.take_care(Skip(Noted("p/split", False, digest("a")), "it is deadly"))
        self.running.stages.take_care(None)
        self.assertEqual(self.running.process("a"), ["a1"])
        self.assertEqual(self.noted, [])

    def test_what_has_no_pickle_has_a_digest(self) -> None:
        function = lambda: None  # noqa: E731
        self.assertEqual(digest(function), digest(function))
        self.assertNotEqual(digest("1"), digest(b"1"))


if __name__ == "__main__":
    unittest.main()
