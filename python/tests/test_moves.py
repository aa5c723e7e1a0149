"""Partitions that move between executors while messages flow: no message is lost, doubled or out of order."""

from __future__ import annotations

import random
import threading
import unittest
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import wallaroo
from staging import LIMITS, PARTITIONS, Count, Running, build, count, cut, plain, text, whole_word
from wallaroo._application import Application
from wallaroo._keys import canonical, partition_of
from wallaroo._protocol import Load, Open, ProtocolError, Switch
from wallaroo._results import PICKLE, Limits, Serializer
from wallaroo._state import Stuck

Piece = tuple[int, bytes]
SMALL = Limits(LIMITS.messages, LIMITS.bytes, 3)


def partition(key: object) -> int:
    return partition_of(canonical(key), PARTITIONS)


class Engine:
    """Executors, edges between them, queues of partitions that move: a small engine for one island."""

    def __init__(
        self, application: Application, executors: int, serializer: Serializer = PICKLE, seed: int = 0
    ) -> None:
        self.application = application
        self.serializer = serializer
        self.chance = random.Random(seed)
        self.table = [number * executors // PARTITIONS for number in range(PARTITIONS)]
        self.stages = [number for number, stage in enumerate(cut(application)) if stage.keyed]
        self.running = [self.executor(number) for number in range(executors)]
        self.edges: dict[tuple[int, int, int], list[Piece]] = defaultdict(list)  # from, to, stage
        self.queues: dict[tuple[int, int, int], list[Piece]] = {}  # executor, stage, partition: while they are shut
        self.moving: list[tuple[int, list[bytes]]] = []  # partitions that have left their executor, and their state
        self.queued = 0

    def executor(self, number: int) -> Running:
        return Running(self.application, (number, self.table), self.serializer, SMALL)

    def join(self) -> None:
        """Another executor, which owns nothing."""
        self.running.append(self.executor(len(self.running)))

    def process(self, *messages: str, at: int, pipeline: int = 0) -> None:
        self.running[at].process(*messages, pipeline=pipeline)
        self.gather(at)

    def gather(self, at: int) -> None:
        """Take what an executor's last call gave for others, and for queues."""
        out = self.running[at].out
        for stage, executor, piece in out.exchanged:
            self.edges[at, executor, stage].append(piece)
        for stage, number, piece in out.waiting:
            self.queued += piece[0]
            self.queues[at, stage, number].append(piece)
        out.exchanged, out.waiting = [], []

    def deliver(self) -> None:
        """Empty the edges: what they hold was sent by the table before."""
        while waiting := [edge for edge, pieces in self.edges.items() if pieces]:
            sender, at, stage = self.chance.choice(waiting)
            pieces = self.edges.pop((sender, at, stage))
            self.running[at].packed(stage, *pieces)
            self.gather(at)

    def switch(self, moves: dict[int, int]) -> None:
        """Give all executors another table between two messages, as at a marker."""
        self.deliver()
        state: dict[int, list[bytes]] = {number: [] for number in moves if moves[number] != self.table[number]}
        for number, owner in moves.items():
            self.table[number] = owner
        for number in state:
            for stage in self.stages:
                self.queues[self.table[number], stage, number] = []
        for running in self.running:
            for number, piece in running.stages.switch(Switch(0, 0, list(moves.items()))):
                state[number].append(piece)
        self.moving += state.items()

    def arrive(self) -> None:
        """Have one partition arrive, with what waits for it; its queues open one after another."""
        number, pieces = self.moving.pop(self.chance.randrange(len(self.moving)))
        at = self.table[number]
        for piece in pieces:
            self.running[at].stages.load(Load(0, 0, number, piece))
        for stage in reversed(self.stages):
            # What is processed here may add to the queues of later stages, which are open, or be for this one again.
            while waiting := self.queues[at, stage, number]:
                self.queues[at, stage, number] = waiting[1:]
                self.running[at].packed(stage, waiting[0], settles=True)
                self.gather(at)
            del self.queues[at, stage, number]
            self.running[at].stages.open(Open(0, stage, [number]))

    def settle(self) -> None:
        while self.moving:
            self.arrive()
        self.deliver()

    def shuffle(self) -> None:
        """Move some partitions, by chance, among the executors there are."""
        self.settle()
        self.switch({n: self.chance.randrange(len(self.running)) for n in self.chance.sample(range(PARTITIONS), 5)})

    def sent(self) -> list[str]:
        return [payload.decode() for running in self.running for payload in running.out.sent]

    def failures(self) -> list[tuple[int, str, str, object]]:
        return [failure for running in self.running for failure in running.out.failures]


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
    def flow(self, engine: Engine, lines: Callable[[int], list[str]], pipelines: int, rounds: int = 60) -> None:
        """Messages and moves in turn, by chance; at last all is settled."""
        for number in range(rounds):
            pipeline = number % pipelines
            engine.process(*lines(number), at=pipeline, pipeline=pipeline)
            if engine.chance.random() < 0.3:
                engine.deliver()
            if engine.chance.random() < 0.3:
                engine.shuffle()
            elif engine.moving and engine.chance.random() < 0.5:
                engine.arrive()
            if number == rounds // 2:
                engine.join()
        engine.settle()

    def test_each_key_sees_each_message_once_and_in_order(self) -> None:
        for seed in range(8):
            engine = Engine(two_pipelines(), 3, seed=seed)
            self.flow(engine, lambda number: [f"{n}.{number}" for n in range(len(KEYS))], 2)
            self.assertEqual(engine.failures(), [])
            self.assertGreater(engine.queued, 100)
            words = [f"{n}.{number}" for number in range(60) for n in range(len(KEYS))]
            self.assertEqual(sorted(engine.sent()), sorted(words))
            for n, key in enumerate(KEYS):
                found = [running.entity("shared", key) for running in engine.running]
                [state] = [state for state in found if state is not None]
                self.assertIs(found[engine.table[partition(key)]], state)
                for pipeline in (0, 1):
                    seen = [word for word in state.seen if int(word.split(".")[1]) % 2 == pipeline]
                    first = list(dict.fromkeys(seen))
                    self.assertEqual(first, [f"{n}.{number}" for number in range(pipeline, 60, 2)], (seed, key))
                    self.assertEqual(len(seen), 2 * len(first), (seed, key))
            ones = [state for running in engine.running if (state := running.entity("one", None)) is not None]
            self.assertEqual([sorted(state.seen) for state in ones], [sorted(words)])

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
        engine = Engine(application, 2, Serializer(serialize, deserialize))
        words = [f"w{n}-" for n in range(20)]
        self.flow(engine, lambda number: words, 1)
        self.assertEqual(kinds, {"str", "Count"})
        self.assertEqual(sorted(engine.sent()), sorted(f"{word}{n}" for word in words for n in range(1, 61)))

    def test_named_keys_move_too_and_a_joiner_makes_none(self) -> None:
        named = [f"w{n}" for n in range(30)]
        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word, named))
        engine = Engine(application, 1)
        engine.join()
        self.assertEqual([engine.running[1].entity("c", word) for word in named], [None] * 30)
        engine.switch(dict.fromkeys(range(PARTITIONS), 1))
        engine.settle()
        self.assertEqual([engine.running[0].entity("c", word) for word in named], [None] * 30)
        self.assertNotIn(None, [engine.running[1].entity("c", word) for word in named])
        engine.process(*named, at=0)
        engine.deliver()
        self.assertEqual(sorted(engine.sent()), sorted(f"{word}1" for word in named))


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
        self.assertEqual(self.running.entered, {0: 0, 1: 0, 2: 0})
        self.assertEqual(self.waiting(), [(1, number, 2)])
        self.running.packed(stage, piece, settles=True)
        self.assertEqual(self.running.entered, {0: 2, 1: 0, 2: 0})
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
        return [piece for _, piece in other.stages.switch(Switch(0, 0, [(self.number, 1)]))]

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
        self.running.stages.load(Load(0, 0, self.number, again))
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
        self.assertEqual([len(piece) > 1_000_000 for piece in pieces], [True, True, False, False])
        numbers = [int.from_bytes(piece[:4], "little") for piece in pieces]  # for the engine
        self.assertEqual((numbers[:2], sum(numbers)), ([2, 2], 5000))
        self.assertEqual(list(taker.stages.switch(Switch(0, 0, [(0, 1)]))), [])
        for piece in pieces:
            taker.stages.load(Load(0, 0, 0, piece))
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
            taker.stages.load(Load(0, 0, 0, piece))
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
