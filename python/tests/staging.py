"""Stages as a process runs them, with an outbox that keeps all: for tests."""

from __future__ import annotations

import unittest
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import wallaroo
from wallaroo._application import Application
from wallaroo._failures import Site, failure
from wallaroo._protocol import BODY, Batch, Pieces, Restore
from wallaroo._rehearsal import cut
from wallaroo._results import PICKLE, Limits, Serializer
from wallaroo._stages import Stages
from wallaroo.testing import ApplicationFailed


class Collected:
    """An outbox that keeps what it is given.

    `exchanged` and `waiting` hold the stage, the target, and a piece; `told` holds failures as they reach the engine,
    and `lost` what entered the steps then.
    """

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.exchanged: list[tuple[int, int, tuple[int, bytes]]] = []
        self.waiting: list[tuple[int, int, tuple[int, bytes]]] = []
        self.failures: list[tuple[int, str, str, object]] = []
        self.told: list[dict[str, object]] = []
        self.lost: list[object] = []

    def send(self, batch: Batch, sink: int, sizes: array[int], data: bytes) -> None:
        at = 0
        for size in sizes:
            self.sent.append(data[at : at + size])
            at += size

    def exchange(self, batch: Batch, stage: int, executor: int, pieces: Pieces) -> None:
        self.exchanged += [(stage, executor, piece) for piece in pieces]

    def queued(self, batch: Batch, stage: int, partition: int, pieces: Pieces) -> None:
        self.waiting += [(stage, partition, piece) for piece in pieces]

    def fail(self, batch: Batch, index: int, site: Site, error: BaseException, message: object, *key: object) -> None:
        self.told.append(failure(site, error, *key))
        self.lost.append(message)
        self.failures.append((index, site, f"{type(error).__name__}: {error}", key[0] if key else None))


@wallaroo.decoder(header_length=4, length_fmt=">I")
def text(data: bytes) -> str:
    return data.decode("utf-8")


@wallaroo.encoder
def plain(value: object) -> str:
    return str(value)


def build(
    steps: Callable[[wallaroo.ApplicationBuilder], object], encoder: Any = plain, decoder: Any = text
) -> Application:
    """An application of one pipeline "p" with these steps."""
    builder = wallaroo.ApplicationBuilder("test")
    builder.new_pipeline("p", wallaroo.TCPSourceConfig("127.0.0.1", 0, decoder))
    steps(builder)
    builder.to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, encoder))
    application: Application = builder.build()
    return application


PARTITIONS = 16
ALONE = (0, [0] * PARTITIONS)
LIMITS = Limits(1 << 16, 1 << 20, 256)


class Running:
    """The stages of an application and their state, as one process has them.

    Attributes:
        out: where all goes that leaves.
        entered: of the last batch: how many messages have entered the steps, by their number.
    """

    def __init__(
        self,
        application: Application,
        table: tuple[int, list[int]] = ALONE,
        serializer: Serializer = PICKLE,
        limits: Limits = LIMITS,
        *,
        check_ownership: bool = False,
        islands: bool = False,
    ) -> None:
        """Make them; with `islands` each pipeline is one, otherwise all are together."""
        self.out = Collected()
        cuts = [replace(stage, island=stage.pipeline if islands else 0) for stage in cut(application)]
        self.stages = Stages(application, cuts, table, serializer, limits, self.out, check_ownership=check_ownership)
        self.firsts = [number for number, stage in enumerate(cuts) if not stage.keyed]
        self.entered: dict[int, int] = {}

    def process(self, *messages: str | bytes, pipeline: int = 0) -> list[str]:
        """Run messages through a pipeline; returns all that was sent since the start."""
        payloads = [message.encode() if isinstance(message, str) else message for message in messages]
        lead = b"header"
        data = lead + b"".join(payloads)
        first = self.firsts[pipeline]
        return self.run(Batch(1, first, [len(payload) for payload in payloads], data, len(lead), 0))

    def packed(self, stage: int, *pieces: tuple[int, bytes], settles: bool = False) -> list[str]:
        """Run packed messages through a stage; returns all that was sent since the start."""
        cuts = [(count, len(data)) for count, data in pieces]
        return self.run(Batch(1, stage, (), b"head" + b"".join(data for _, data in pieces), 4, 0, cuts, settles))

    def run(self, batch: Batch) -> list[str]:
        """Run a batch; returns all that was sent since the start."""
        first, entered = self.stages.process(batch)
        self.entered = dict(enumerate(entered, first))
        return [payload.decode() for payload in self.out.sent]

    def entity(self, state: str, key: object) -> Any:
        """The entity of a key that is here, and meets messages at all stages."""
        entities = self.stages.entities[state]
        return entities.found(key, entities.identity(key))


class Several:
    """An application on several executors, with an engine that hands on at once.

    Attributes:
        sent: all that was sent, in order.
        told: all failures, in order.
        handed_on: messages that changed executors.
    """

    def __init__(self, application: Application, executors: int, serializer: Serializer = PICKLE) -> None:
        table = [partition * executors // PARTITIONS for partition in range(PARTITIONS)]
        self.running = [Running(application, (number, table), serializer) for number in range(executors)]
        self.sent: list[str] = []
        self.told: list[dict[str, object]] = []
        self.handed_on = 0

    def process(self, *messages: str | bytes, at: int = 0, pipeline: int = 0) -> list[str]:
        """Run messages, which come in at one executor; returns all that was sent so far."""
        self.running[at].process(*messages, pipeline=pipeline)
        self.gather(at)
        while waiting := [number for number, running in enumerate(self.running) if running.out.exchanged]:
            stage, executor, piece = self.running[waiting[0]].out.exchanged.pop(0)
            self.handed_on += piece[0]
            self.running[executor].packed(stage, piece)
            self.gather(executor)
        return self.sent

    def gather(self, at: int) -> None:
        """Take what an executor's last call gave."""
        out = self.running[at].out
        self.sent += [payload.decode() for payload in out.sent]
        self.told += out.told
        out.sent, out.told = [], []

    def failures(self) -> list[tuple[int, str, str, object]]:
        return [failure for running in self.running for failure in running.out.failures]


def run(steps: Callable[[wallaroo.ApplicationBuilder], object], *messages: str | bytes, **ends: Any) -> Collected:
    running = Running(build(steps, **ends))
    running.process(*messages)
    return running.out


class Count:
    def __init__(self) -> None:
        self.n = 0


@wallaroo.state_computation(name="count")
def count(word: str, state: Count) -> tuple[str, bool]:
    state.n += 1
    return (f"{word}{state.n}", True)


@wallaroo.partition
def whole_word(word: str) -> str:
    return word


@wallaroo.computation_multi(name="split")
def split(line: str) -> list[str]:
    return line.split()


class Failed(unittest.TestCase):
    """Tests that say what an error says."""

    def fails(self, *parts: str, error: type[BaseException] = ApplicationFailed) -> Any:
        """A context in which an error must be raised whose text has all these parts."""
        outer = self

        class Context:
            def __enter__(self) -> None: ...

            def __exit__(self, kind: object, raised: BaseException | None, traceback: object) -> bool:
                outer.assertIsInstance(raised, error)
                for part in parts:
                    outer.assertIn(part, str(raised))
                return True

        return Context()


def restored(*entities: bytes, count: int | None = None) -> Restore:
    return Restore(0, len(entities) if count is None else count, bytes(BODY) + b"".join(entities), BODY)
