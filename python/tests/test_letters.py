"""What failed is told with what entered the failing step, in a form that gives the same message again."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import wallaroo
from staging import ALONE, PARTITIONS, Collected, Count, Running, build, count, plain, run, split, whole_word
from wallaroo._keys import canonical, partition_of
from wallaroo._letters import Letter, Missing, Payload, told
from wallaroo._protocol import Open, ProtocolError, Replay, Switch

MOST = 1000


class Text(str):
    """Text that is more than text."""


@dataclass
class Point:
    x: int
    y: int


class Unruly:
    def __reduce__(self) -> Any:
        raise SystemExit("no")


class Letters(unittest.TestCase):
    def test_messages_come_back_as_they_were(self) -> None:
        for message, encoding in (
            ("", "text"),
            ("caf\u00e9", "text"),
            ("\ud800", "base64-pickle"),
            (Text("x"), "base64-pickle"),
            (b"abc", "base64-pickle"),
            (None, "base64-pickle"),
            (Point(1, 2), "base64-pickle"),
            ([1, (2, "x")], "base64-pickle"),
        ):
            with self.subTest(message):
                fields = told(message, MOST)
                self.assertEqual((set(fields), fields["message_encoding"]), ({"message", "message_encoding"}, encoding))
                again = Letter(str(fields["message"]), encoding).read(of_source=False)
                self.assertEqual((type(again), again), (type(message), message))

    def test_what_came_from_a_source_comes_back_as_bytes(self) -> None:
        for data, encoding in ((b"abc", "text"), (b"", "text"), (b"\xff", "base64-pickle")):
            fields = told(Payload(data), MOST)
            again = Letter(str(fields["message"]), str(fields["message_encoding"])).read(of_source=True)
            self.assertEqual((fields["message_encoding"], type(again), again), (encoding, bytes, data))

    def test_what_cannot_be_kept_says_why(self) -> None:
        for message, why in (
            (threading.Lock(), "it cannot be pickled: TypeError"),
            (Unruly(), "it cannot be pickled: SystemExit: no"),
            ("\u00e9" * 501, "it has 1002 bytes, and at most 1000 are kept"),
            (b"x" * 1000, "bytes, and at most 1000 are kept"),
            (Missing("gone"), "gone"),
        ):
            fields = told(message, MOST)
            self.assertEqual(set(fields), {"message_missing"})
            self.assertIn(why, str(fields["message_missing"]))
        self.assertIn("message", told("\u00e9" * 500, MOST))

    def test_letters_that_are_none_are_refused(self) -> None:
        for letter in (Letter("x", "base64-cbor"), Letter("?", "base64-pickle"), Letter("eHg=", "base64-pickle")):
            with self.assertRaises(Exception):  # noqa: B017  (whatever pickle raises)
                letter.read(of_source=False)
        text = Letter(str(told(["x"], MOST)["message"]), "base64-pickle")
        with self.assertRaises(ValueError):
            text.read(of_source=True)


@wallaroo.computation(name="picky")
def picky(word: str) -> str:
    if word.startswith("bad"):
        raise ValueError(word)
    return word


class WhatIsLost(unittest.TestCase):
    """What is told as lost is what entered the step that failed, not what came of it, nor what it came of."""

    def lost(self, steps: Any, *messages: str | bytes, **ends: Any) -> list[tuple[str, object]]:
        out = run(steps, *messages, **ends)
        return [(failure[1], message) for failure, message in zip(out.failures, out.lost, strict=True)]

    def test_a_decoder(self) -> None:
        [(step, message)] = self.lost(lambda builder: builder, "a", b"\xff", "b")
        self.assertEqual((step, type(message), message), ("p/source", Payload, b"\xff"))

    def test_a_computation_behind_others(self) -> None:
        lost = self.lost(lambda builder: builder.to(split).to(picky), "a bad1 b", "bad2")
        self.assertEqual(lost, [("p/picky", "bad1"), ("p/picky", "bad2")])

    def test_several_results(self) -> None:
        @wallaroo.computation_multi(name="it")
        def it(word: str) -> Iterator[str]:
            yield word
            if word == "bad":
                raise ValueError

        lost = self.lost(lambda builder: builder.to(split).to(it), "a bad b")
        self.assertEqual(lost, [("p/it", "bad")])

    def test_a_function_of_keys_and_what_is_no_key(self) -> None:
        @wallaroo.partition
        def key(word: str) -> Any:
            return {"raises": lambda: 1 / 0, "float": lambda: 1.0}.get(word, lambda: word)()

        lost = self.lost(lambda builder: builder.to_state_partition(count, Count, "c", key), "a", "raises", "float")
        self.assertEqual(lost, [("p/count key", "raises"), ("p/count key", "float")])

    def test_a_state_class(self) -> None:
        class Reluctant(Count):
            def __init__(self) -> None:
                raise ValueError

        lost = self.lost(lambda builder: builder.to_state_partition(count, Reluctant, "c", whole_word), "a")
        self.assertEqual(lost, [("p/count", "a")])

    def test_state_computations_whatever_is_wrong_with_them(self) -> None:
        class Locked:
            def __init__(self) -> None:
                self.lock = threading.Lock()

        results: dict[str, Any] = {"no pair": 5, "no bool": ("x", 1), "fine": ("x", True)}

        @wallaroo.state_computation(name="it")
        def it(word: str, state: Locked) -> Any:
            if word == "raises":
                raise ValueError
            return (state, True) if word == "itself" else results[word]

        words = ["raises", "no pair", "no bool", "fine", "itself"]
        lost = self.lost(lambda builder: builder.to_stateful(it, Locked, "locked"), *words)
        self.assertEqual(lost, [("p/it", word) for word in words if word != "fine"])

    def test_several_results_of_a_state_computation(self) -> None:
        @wallaroo.state_computation_multi(name="it")
        def it(word: str, state: Count) -> Any:
            return ("text" if word == "bad" else [word + "1", word + "2"], True)

        @wallaroo.computation(name="second")
        def second(word: str) -> str:
            if word == "b2":
                raise ValueError
            return word

        lost = self.lost(lambda builder: builder.to_stateful(it, Count, "c").to(second), "a", "bad", "b")
        self.assertEqual(lost, [("p/it", "bad"), ("p/second", "b2")])

    def test_steps_behind_state(self) -> None:
        def twice(builder: Any) -> Any:
            builder.to_state_partition(count, Count, "c", whole_word).to(picky)
            return builder.to_state_partition(count, Count, "d", whole_word).to(picky)

        self.assertEqual(self.lost(twice, "a", "bad"), [("p/picky", "bad1")])

    def test_an_encoder(self) -> None:
        @wallaroo.encoder
        def it(word: str) -> Any:
            if word.startswith("bad"):
                raise ValueError
            return 5 if word == "int1" else word

        lost = self.lost(lambda builder: builder.to_stateful(count, Count, "c"), "a", "bad", encoder=it)
        self.assertEqual(lost, [("p/sink", "bad2")])
        [(step, message)] = self.lost(lambda builder: builder.to_stateful(count, Count, "c"), "int", encoder=it)
        self.assertEqual((step, type(message)), ("p/sink", Missing))

    def test_what_cannot_go_to_another_executor(self) -> None:
        @wallaroo.computation(name="lock")
        def lock(word: str) -> Any:
            return [word, threading.Lock()]

        @wallaroo.partition
        def key(value: list[Any]) -> str:
            word: str = value[0]
            return word

        @wallaroo.state_computation(name="it")
        def it(value: list[Any], state: Count) -> tuple[str, bool]:
            return (value[0], False)

        application = build(lambda builder: builder.to(lock).to_state_partition(it, Count, "c", key))
        running = Running(application, (0, [1] * PARTITIONS))
        running.process("a")
        [message] = running.out.lost
        self.assertIsInstance(message, list)
        self.assertIn("it cannot be pickled", str(told(message, MOST)))


class Replays(unittest.TestCase):
    """A message enters at a step, and goes on from there as any other."""

    def replayed(self, running: Running, step: int, *messages: object) -> Collected:
        """Run messages from a step on, whose number is one in the application."""
        running.out.sent.clear()
        for message in messages:
            fields = told(message, MOST)
            letter = Letter(str(fields["message"]), str(fields["message_encoding"]))
            first, entered = running.stages.replay(Replay(7, step, 0, letter))
            running.entered = dict(enumerate(entered, first))
        return running.out

    def chain(self, builder: Any) -> None:
        builder.to(split).to_state_partition(count, Count, "c", whole_word).to(picky)

    def test_at_each_place(self) -> None:
        for step, message, sent, entered in (
            (0, Payload(b"a b"), ["a1", "b1"], {1: 1, 2: 2, 3: 2}),
            (1, "a b", ["a1", "b1"], {1: 1, 2: 2, 3: 2}),
            (2, "a b", ["a b1"], {2: 1, 3: 1}),
            (3, "a b", ["a b"], {3: 1}),
            (4, 17, ["17"], {}),
        ):
            running = Running(build(self.chain))
            out = self.replayed(running, step, message)
            self.assertEqual([data.decode() for data in out.sent], sent, step)
            self.assertEqual((running.entered, out.failures), (entered, []), step)

    def test_it_meets_the_state_that_there_is_and_may_fail_again(self) -> None:
        running = Running(build(self.chain))
        running.process("a a")
        self.assertEqual(self.replayed(running, 2, "a", "a", "bad").sent, [b"a3", b"a4"])
        self.assertEqual([failure[:2] for failure in running.out.failures], [(0, "p/picky")])
        self.assertEqual(running.out.lost, ["bad1"])
        self.assertEqual(running.process("a"), ["a3", "a4", "a5"])

    def test_it_goes_to_the_executor_of_its_key_or_waits_for_its_partition(self) -> None:
        away = partition_of(canonical("away"), PARTITIONS)
        owners = [int(partition == away) for partition in range(PARTITIONS)]
        running = Running(build(self.chain), (0, owners))
        self.assertEqual(self.replayed(running, 2, "here", "away").sent, [b"here1"])
        [(stage, executor, (messages, _))] = running.out.exchanged
        self.assertEqual((stage, executor, messages), (1, 1, 1))
        self.assertEqual(list(running.stages.switch(Switch(1, 0, [(away, 0)]))), [])
        self.assertEqual(self.replayed(running, 1, "away").sent, [])
        [(stage, partition, (messages, _))] = running.out.waiting
        self.assertEqual((stage, partition, messages), (1, away, 1))
        running.stages.open(Open(1, 1, [away]))
        self.assertEqual(self.replayed(running, 2, "away").sent, [b"away1"])

    def test_in_a_second_pipeline_and_without_a_sink(self) -> None:
        builder = wallaroo.ApplicationBuilder("test")
        for name in ("p", "q", "r"):
            builder.new_pipeline(name, wallaroo.TCPSourceConfig("127.0.0.1", 0, split_at_once))
            builder.to_state_partition(count, Count, "shared", whole_word)
            if name == "q":
                builder.done()
            else:
                builder.to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, plain))
        running = Running(builder.build(), ALONE)
        self.assertEqual(self.replayed(running, 4, "a").sent, [])
        self.assertEqual(self.replayed(running, 5, Payload(b"a")).sent, [b"a2"])
        self.assertEqual(self.replayed(running, 6, "a").sent, [b"a3"])
        self.assertEqual(self.replayed(running, 1, "a").sent, [b"a4"])
        with self.assertRaises(ProtocolError):
            self.replayed(running, 8, "a")

    def test_a_message_that_cannot_be_read_is_told_as_it_is(self) -> None:
        running = Running(build(self.chain))
        letter = Letter("eHg=", "base64-pickle")
        self.assertEqual(running.stages.replay(Replay(7, 2, 0, letter)), (2, ()))
        self.assertEqual((running.out.lost, running.out.failures[0][:2]), ([letter], (0, "p/count")))
        self.assertEqual(told(letter, MOST), {"message": "eHg=", "message_encoding": "base64-pickle"})


@wallaroo.decoder(header_length=4, length_fmt=">I")
def split_at_once(data: bytes) -> str:
    return data.decode().split()[0]


if __name__ == "__main__":
    unittest.main()
