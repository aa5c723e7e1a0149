"""Stages as a process runs them, with an outbox that keeps all: for tests."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import wallaroo
from wallaroo._application import Application
from wallaroo._compile import Surroundings, stage_function
from wallaroo._entities import Entities
from wallaroo._exchange import Exchange, Owners, Stage
from wallaroo._protocol import Batch
from wallaroo._results import PICKLE, Serializer


class Collected:
    """An outbox that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.exchanged: list[tuple[int, int, int, bytes]] = []
        self.failures: list[tuple[int, str, str, object]] = []

    def send(self, batch: Batch, sink: int, sizes: array[int], data: bytes) -> None:
        at = 0
        for size in sizes:
            self.sent.append(data[at : at + size])
            at += size

    def exchange(self, batch: Batch, stage: int, executor: int, count: int, packed: bytes) -> None:
        self.exchanged.append((stage, executor, count, packed))

    def fail(self, batch: Batch, index: int, site: str, error: BaseException, *key: object) -> None:
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


def cut(application: Application) -> list[Stage]:
    """The stages of an application, as the engine cuts them."""
    stages = []
    for number, pipeline in enumerate(application.pipelines):
        stages.append(Stage(number, 0, False))
        stages += [Stage(number, first, True) for first, step in enumerate(pipeline.steps) if step.state is not None]
    return stages


ALONE = Owners(0, [0] * 16)


class Running:
    """The stages of an application and their state, as one process has them."""

    def __init__(self, application: Application, owners: Owners = ALONE, serializer: Serializer = PICKLE) -> None:
        self.out = Collected()
        self.entities = {state.name: Entities(state) for state in application.states}
        stages = cut(application)
        self.exchanges: dict[int, Exchange] = {}
        for number, stage in enumerate(stages):
            if stage.keyed:
                step = application.pipelines[stage.pipeline].steps[stage.first]
                assert step.state is not None
                among = self.entities[step.state.name]
                self.exchanges[number] = Exchange(number, f"p/{step.name}", among, owners, serializer, self.out)
        around = Surroundings(application, stages, self.entities, self.exchanges, serializer, self.out)
        self.stages = [stage_function(around, number) for number in range(len(stages))]
        self.firsts = [number for number, stage in enumerate(stages) if not stage.keyed]

    def process(self, *messages: str | bytes, pipeline: int = 0) -> list[str]:
        """Run messages through a pipeline; returns all that was sent since the start."""
        payloads = [message.encode() if isinstance(message, str) else message for message in messages]
        lead = b"header"
        data = lead + b"".join(payloads)
        first = self.firsts[pipeline]
        return self.run(Batch(1, first, [len(payload) for payload in payloads], data, len(lead), 0))

    def run(self, batch: Batch) -> list[str]:
        """Run a batch; returns all that was sent since the start."""
        self.stages[batch.stage](batch)
        for exchange in self.exchanges.values():
            exchange.flush(batch)
        return [payload.decode() for payload in self.out.sent]


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
