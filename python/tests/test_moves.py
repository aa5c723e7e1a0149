"""Partitions that move between executors while messages flow: no message is lost, doubled or out of order."""

from __future__ import annotations

import random
import threading
import unittest
from typing import Any
from unittest.mock import patch

import wallaroo
from staging import PARTITIONS, Count, Running, build, count, plain, text, whole_word
from wallaroo._application import Application
from wallaroo._encoding import Stuck
from wallaroo._keys import canonical, partition_of
from wallaroo._protocol import Batch, Load, Open, Pieces, ProtocolError, Switch
from wallaroo._rehearsal import Input, Rehearsal, _Outbox
from wallaroo._results import PICKLE, Serializer


def partition(key: object) -> int:
    return partition_of(canonical(key), PARTITIONS)


class Log:
    """A state that keeps what it has seen, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []


@wallaroo.state_computation(name="log")
def log(word: str, state: Log) -> tuple[str, bool]:
    state.seen.append(word)
    return (word, True)


KEYS: list[Any] = [1, True, "1", b"1", None, ("a", 1), 2**70, -5, "b", "c", 7, b"", (), "", 0, False]


@wallaroo.partition
def some_key(word: str) -> Any:
    """One of keys of all kinds, by the word's number."""
    return KEYS[int(word.split(".", maxsplit=1)[0]) % len(KEYS)]


@wallaroo.partition
def other_key(word: str) -> Any:
    return KEYS[int(word.split(".", maxsplit=1)[0]) % 5]


def two_pipelines() -> Application:
    """Two pipelines that share a state, with several keyed steps, and one that all messages meet."""
    builder = wallaroo.ApplicationBuilder("test")
    for name in ("p", "q"):
        builder.new_pipeline(name, wallaroo.TCPSourceConfig("127.0.0.1", 0, text))
        builder.to_state_partition(log, Log, "shared", some_key)
        builder.to_state_partition(log, Log, f"own of {name}", other_key)
        builder.to_state_partition(log, Log, "shared", some_key)
        builder.to_stateful(log, Log, "one")
        builder.to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, plain))
    application: Application = builder.build()
    return application


class Moves(unittest.TestCase):
    """Several executors, between which partitions move as chance will have it."""

    def setUp(self) -> None:
        self.waited = 0
        queued = _Outbox.queued

        def counted(outbox: Any, batch: Batch, stage: int, partition: int, pieces: Pieces) -> None:
            self.waited += sum(count for count, _ in pieces)
            queued(outbox, batch, stage, partition, pieces)

        watch = patch.object(_Outbox, "queued", counted)
        watch.start()
        self.addCleanup(watch.stop)

    def rehearsed(
        self, application: Application, seed: int, *rows: list[Input], serializer: Serializer = PICKLE
    ) -> Rehearsal:
        chance = random.Random(seed)
        rehearsal = Rehearsal(application, 3, serializer, chance)
        rehearsal.at_random(rows, chance)
        self.assertEqual(rehearsal.lost, [])
        return rehearsal

    def test_each_key_sees_each_message_once_and_in_order(self) -> None:
        words = [
            [f"{n}.{number}" for number in range(pipeline, 60, 2) for n in range(len(KEYS))] for pipeline in (0, 1)
        ]
        rows = [[(pipeline, word.encode()) for word in words[pipeline]] for pipeline in (0, 1)]
        for seed in range(8):
            rehearsal = self.rehearsed(two_pipelines(), seed, *rows)
            for pipeline in (0, 1):
                sent = [payload.decode() for payload in rehearsal.outputs[pipeline]]
                self.assertEqual(sorted(sent), sorted(words[pipeline]))
            for n, key in enumerate(KEYS):
                [state] = found(rehearsal, "shared", key)
                for pipeline in (0, 1):
                    seen = [word for word in state.seen if int(word.split(".")[1]) % 2 == pipeline]
                    first = list(dict.fromkeys(seen))
                    self.assertEqual(first, [word for word in words[pipeline] if word.startswith(f"{n}.")], (seed, key))
                    self.assertEqual(len(seen), 2 * len(first), (seed, key))
            [one] = found(rehearsal, "one", None)
            self.assertEqual(sorted(one.seen), sorted(words[0] + words[1]))
        self.assertGreater(self.waited, 100)

    def test_an_application_may_serialize_its_state_in_its_own_way(self) -> None:
        kinds: set[str] = set()

        def serialize(value: object) -> bytes:
            kinds.add(type(value).__name__)
            return f"{value.n}".encode() if isinstance(value, Count) else b"s" + str(value).encode()

        def deserialize(data: bytes) -> object:
            if data[:1] == b"s":
                return data[1:].decode()
            state = Count()
            state.n = int(data)
            return state

        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word))
        words = [f"w{n}-" for n in range(20)] * 60
        rehearsal = self.rehearsed(
            application, 0, [(0, word.encode()) for word in words], serializer=Serializer(serialize, deserialize)
        )
        self.assertEqual(kinds, {"str", "Count"})
        self.assertGreater(self.waited, 0)
        sent = sorted(payload.decode() for payload in rehearsal.outputs[0])
        self.assertEqual(sent, sorted(f"{word}{n}" for word in set(words) for n in range(1, 61)))

    def test_named_keys_move_too_and_a_joiner_makes_none(self) -> None:
        named = [f"w{n}" for n in range(30)]
        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word, named))
        giver, joiner = Running(application), Running(application, (1, [0] * PARTITIONS))
        self.assertEqual([joiner.entity("c", word) for word in named], [None] * 30)
        switch = Switch(0, 0, [(number, 1) for number in range(PARTITIONS)])
        self.assertEqual(list(joiner.stages.switch(switch)), [])
        for number, entities in giver.stages.switch(switch):
            joiner.stages.load(Load(0, 0, number, b"".join(entities)))
        joiner.stages.open(Open(0, 1, range(PARTITIONS)))
        self.assertEqual([giver.entity("c", word) for word in named], [None] * 30)
        self.assertNotIn(None, [joiner.entity("c", word) for word in named])
        self.assertEqual(joiner.process(*named), [f"{word}1" for word in named])


def found(rehearsal: Rehearsal, state: str, key: object) -> list[Any]:
    """The entities of a key, on whatever executors they are."""
    entities = [each.found(key, each.identity(key)) for each in rehearsal.entities(state)]
    return [entity for entity in entities if entity is not None]


class Queues(unittest.TestCase):
    """One executor, to which a partition comes."""

    def setUp(self) -> None:
        self.application = build(
            lambda builder: (
                builder.to_state_partition(count, Count, "c", whole_word)
                .to_state_partition(log, Log, "l", whole_word)
                .to_state_partition(count, Count, "c", whole_word)
            )
        )
        self.running = Running(self.application, (1, [0] * PARTITIONS))
        self.number = partition("w")

    def come(self, *partitions: int) -> None:
        moves = [(number, 1) for number in partitions or (self.number,)]
        self.assertEqual(list(self.running.stages.switch(Switch(0, 0, moves))), [])

    def opened(self, stage: int) -> None:
        self.running.stages.open(Open(0, stage, [self.number]))

    def waiting(self) -> list[tuple[int, int, int]]:
        waiting = [(stage, number, piece[0]) for stage, number, piece in self.running.out.waiting]
        self.running.out.waiting.clear()
        return waiting

    def test_what_is_anothers_leaves_and_what_comes_waits(self) -> None:
        self.running.process("w", "w")
        self.assertEqual([(stage, at) for stage, at, _ in self.running.out.exchanged], [(1, 0)])
        self.come()
        self.running.process("w", "w", "w")
        self.assertEqual(self.waiting(), [(1, self.number, 3)])
        self.assertEqual(len(self.running.out.exchanged), 1)

    def test_a_queue_opens_alone(self) -> None:
        """The key at the second stage is another than at the first: w1, w2 and so on."""
        self.come(*range(PARTITIONS))
        self.opened(1)
        self.running.process("w", "w")
        self.assertEqual(sorted(self.waiting()), sorted([(2, partition("w1"), 1), (2, partition("w2"), 1)]))
        self.assertIsNone(self.running.entity("c", "w"))  # the third stage, of the same state, is shut
        self.opened(3)
        self.assertEqual(self.running.entity("c", "w").n, 2)
        self.opened(2)
        self.running.process("w")
        self.assertEqual(self.waiting(), [(2, partition("w3"), 1)])

    def test_settled_messages_meet_state_and_others_wait(self) -> None:
        self.come(*range(PARTITIONS))
        self.running.process("w", "w")
        [(stage, number, piece)] = self.running.out.waiting
        self.running.out.waiting.clear()
        self.running.packed(stage, piece)
        self.assertEqual(self.running.entered, {1: 0, 2: 0, 3: 0})
        self.assertEqual(self.waiting(), [(1, number, 2)])
        self.running.packed(stage, piece, settles=True)
        self.assertEqual(self.running.entered, {1: 2, 2: 0, 3: 0})
        self.assertEqual(len(self.waiting()), 2)
        self.assertEqual(self.running.out.sent, [])

    def test_what_comes_by_an_edge_and_is_anothers_is_against_the_protocol(self) -> None:
        self.running.process("w")
        [(stage, _, piece)] = self.running.out.exchanged
        for settles in (False, True):
            with self.assertRaises(ProtocolError):
                Running(self.application, (1, [0] * PARTITIONS)).packed(stage, piece, settles=settles)

    def test_state_comes_only_to_shut_queues(self) -> None:
        [piece] = self.given(["w"])
        with self.assertRaises(ProtocolError):
            self.running.stages.load(Load(0, 0, self.number, piece))
        self.come()
        self.running.stages.load(Load(0, 0, self.number, piece))
        self.assertIsNone(self.running.entity("c", "w"))
        for stage in (1, 2, 3):
            self.opened(stage)
        self.assertEqual(self.running.entity("c", "w").n, 1)

    def given(self, words: list[str]) -> list[bytes]:
        """What an executor gives of the partition, after it has seen words."""
        other = Running(self.application)
        other.process(*words)
        return [b"".join(entities) for _, entities in other.stages.switch(Switch(0, 0, [(self.number, 1)]))]

    def test_a_partition_may_leave_before_its_queues_are_open(self) -> None:
        [piece] = self.given(["w", "w"])
        self.come()
        self.running.stages.load(Load(0, 0, self.number, piece))
        self.opened(1)
        [(number, again)] = self.running.stages.switch(Switch(0, 0, [(self.number, 0)]))
        self.assertEqual(number, self.number)
        self.running.process("w")
        self.assertEqual(len(self.running.out.exchanged), 1)
        self.come()
        self.running.stages.load(Load(0, 0, self.number, b"".join(again)))
        for stage in (1, 3):
            self.opened(stage)
        self.assertEqual(self.running.entity("c", "w").n, 2)

    def test_large_state_comes_in_parts(self) -> None:
        class_of = build(lambda builder: builder.to_state_partition(log, Log, "l", whole_word))
        giver, taker = Running(class_of, (0, [0])), Running(class_of, (1, [0]))
        for n in range(5000):
            giver.process(f"k{n}")
        for n in range(5):
            giver.entity("l", f"k{n}").seen.append("x" * 700_000)
        pieces = [piece for _, piece in giver.stages.switch(Switch(0, 0, [(0, 1)]))]
        self.assertEqual([sum(map(len, piece)) > 1_000_000 for piece in pieces], [True, True, True, False])
        numbers = [len(piece) for piece in pieces]
        self.assertEqual((numbers[:2], sum(numbers)), ([2, 2], 5000))
        self.assertEqual(list(taker.stages.switch(Switch(0, 0, [(0, 1)]))), [])
        for piece in pieces:
            taker.stages.load(Load(0, 0, 0, b"".join(piece)))
        taker.stages.open(Open(0, 1, [0]))
        self.assertEqual([taker.entity("l", f"k{n}").seen[0] for n in range(5000)], [f"k{n}" for n in range(5000)])
        self.assertEqual([len(taker.entity("l", f"k{n}").seen[-1]) for n in range(5)], [700_000] * 5)


class Locked:
    """A state that cannot become bytes for one key, and cannot be made of them for another."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.lock = threading.Lock() if key == "lock" else None

    def __setstate__(self, state: dict[str, object]) -> None:
        if state["key"] == "trap":
            raise ValueError("not again")
        self.__dict__.update(state)


@wallaroo.state_computation(name="meet")
def meet(word: str, state: Locked) -> tuple[str, bool]:
    return (word, True)


class Failing(unittest.TestCase):
    def giver(self, *words: str, serializer: Serializer = PICKLE) -> Running:
        application = build(lambda builder: builder.to_state_partition(meet, Locked, "locked", whole_word))
        running = Running(application, (0, [0]), serializer)
        running.process(*words)
        return running

    def test_an_entity_that_cannot_leave_is_named(self) -> None:
        with self.assertRaises(Stuck) as caught:
            list(self.giver("a", "lock", "b").stages.switch(Switch(0, 0, [(0, 1)])))
        failure = caught.exception.failure
        self.assertEqual((failure["state"], failure["key"]), ("locked", "'lock'"))
        self.assertIn("pickle", str(failure["error"]))

    def test_an_entity_that_cannot_come_is_named(self) -> None:
        [(_, piece)] = self.giver("a", "trap", "b").stages.switch(Switch(0, 0, [(0, 1)]))
        taker = self.giver()
        list(taker.stages.switch(Switch(0, 0, [(0, 1)])))
        list(taker.stages.switch(Switch(0, 0, [(0, 0)])))
        with self.assertRaises(Stuck) as caught:
            taker.stages.load(Load(0, 0, 0, b"".join(piece)))
        failure = caught.exception.failure
        self.assertEqual((failure["state"], failure["key"]), ("locked", "'trap'"))
        self.assertEqual(failure["error"], "ValueError: not again")
        self.assertIn("__setstate__", str(failure["traceback"]))

    def test_a_probe_tells_what_could_not_move_and_moves_nothing(self) -> None:
        giver = self.giver("lock")
        self.assertEqual([failure["key"] for failure in giver.stages.probe()], ["'lock'"])
        self.assertEqual(list(self.giver("a").stages.probe()), [])
        self.assertEqual(list(self.giver().stages.probe()), [])
        self.assertEqual(giver.process("lock"), ["lock", "lock"])

    def test_an_own_serializer_that_raises_is_named(self) -> None:
        def serialize(value: object) -> bytes:
            if isinstance(value, Locked) and value.key == "b":
                raise KeyError("b")
            return b""

        giver = self.giver("a", "b", serializer=Serializer(serialize, lambda data: data))
        with self.assertRaises(Stuck) as caught:
            list(giver.stages.switch(Switch(0, 0, [(0, 1)])))
        self.assertEqual((caught.exception.failure["key"], caught.exception.failure["error"]), ("'b'", "KeyError: 'b'"))


if __name__ == "__main__":
    unittest.main()
