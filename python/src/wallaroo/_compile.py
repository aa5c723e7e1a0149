"""Makes the function of a stage: a pipeline's steps as one piece of Python, without a call of ours between the user's.

A closure for each step costs a tenth of the speed; one generated function costs nothing measurable. A step that
raises ends its own message only: each call of user code stands in a try of its own, which is free until it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ._application import Application, Pipeline, State, Step
from ._entities import Entities
from ._exchange import Exchange, Stage, unpack
from ._exchange import Outbox as ExchangeOutbox
from ._protocol import Batch
from ._results import PICKLE, Serializer, not_a_pair, whole
from ._sink import Outbox as SinkOutbox
from ._sink import SinkWriter
from ._steps import ComputationMulti, StateComputationMulti

StageFunction = Callable[[Batch], None]


class Outbox(SinkOutbox, ExchangeOutbox, Protocol):
    """Where all goes that leaves a stage."""


@dataclass(frozen=True)
class Surroundings:
    """What the stages of a process have around them.

    Attributes:
        application: what the user built.
        stages: those of all pipelines, as the engine cut them.
        entities: the state entities of this process, by state name.
        exchanges: the ways to keyed stages, by the number of the stage.
        serializer: how objects of the application become bytes.
        outbox: where results and failures go.
    """

    application: Application
    stages: Sequence[Stage]
    entities: Mapping[str, Entities]
    exchanges: Mapping[int, Exchange]
    serializer: Serializer
    outbox: Outbox


def stage_function(around: Surroundings, number: int) -> StageFunction:
    """The function that takes messages through a stage, and through the later ones as far as they are here."""
    writer = _StageWriter(around, number)
    code = compile(writer.write(), f"<wallaroo stage {number}>", "exec")
    names = dict(writer.names)
    exec(code, names)  # noqa: S102  (no text of the user's is in it)
    make: Callable[[], StageFunction] = names["make"]
    return make()


class _StageWriter:
    """Writes the source of one stage. What is the user's is reached by names that are made here.

    Attributes:
        names: what the source refers to.
    """

    def __init__(self, around: Surroundings, number: int) -> None:
        self._around = around
        self._stage = around.stages[number]
        self._pipeline: Pipeline = around.application.pipelines[self._stage.pipeline]
        # The steps at which a message may leave for another executor, and the exchange there.
        self._exchanges = {
            stage.first: around.exchanges[later]
            for later, stage in enumerate(around.stages)
            if stage.pipeline == self._stage.pipeline and stage.keyed and later > number
        }
        self._lines: list[str] = []
        self._depth = 0
        self.names: dict[str, Any] = {
            "fail": around.outbox.fail,
            "flush": SinkWriter(around.outbox, self._stage.pipeline, f"{self._pipeline.name}/sink").flush,
            "unpack": partial(unpack, around.serializer),
            "whole": whole,
            "not_a_pair": not_a_pair,
            "apart": around.serializer.apart,
        }

    def write(self) -> str:
        """The source: a function make() that returns the stage function."""
        self._messages()
        # As defaults of parameters that nobody gives, what the function refers to is local to it, and read fastest.
        bound = ", ".join(f"{name}={name}_" for name in self.names)
        self.names = {f"{name}_": value for name, value in self.names.items()}
        return "\n".join(["def make():", *self._lines, "    return stage"]).replace("BOUND", bound) + "\n"

    def _messages(self) -> None:
        """The function's frame: the loop over the messages of a batch."""
        self._depth = 1
        self._write("def stage(batch, BOUND):")
        self._depth = 2
        if self._stage.keyed:
            self._write("keys, values = unpack(batch)")
        else:
            self._write("data = batch.payload", "end = batch.start")
        self._write("results, marks, before, enough = [], [], 0, 64", "emit, mark = results.append, marks.append")
        each = "(key, value) in enumerate(zip(keys, values))" if self._stage.keyed else "size in enumerate(batch.sizes)"
        self._write(f"for index, {each}:")
        self._depth = 3
        if self._pipeline.sink is not None:
            self._write("count = len(results)", "if count >= enough:", "    before += count")
            self._write("    enough = flush(batch, results, before - count, marks)", "    count = 0")
            self._write("mark(before + count)")
        self._steps()
        self._depth = 2
        self._write("if results:", "    flush(batch, results, before, marks)")

    def _steps(self) -> None:
        """One message's way: decoder, steps, encoder."""
        pipeline = self._pipeline
        if not self._stage.keyed:
            self.names["decode"] = pipeline.source.decoder.function
            self._write("start = end", "end += size")
            self._guarded(f"{pipeline.name}/source", ["value = decode(data[start:end])"])
            self._drop_none()
        elif self._around.serializer is not PICKLE:
            self.names["deserialize"] = self._around.serializer.deserialize
            step = pipeline.steps[self._stage.first]
            self._guarded(f"{pipeline.name}/{step.name}", ["value = deserialize(value)"], with_key=True)
        for number, step in enumerate(pipeline.steps):
            if number >= self._stage.first:
                self._step(number, step, f"{pipeline.name}/{step.name}")
        if pipeline.sink is not None:
            self.names["encode"] = pipeline.sink.encoder.function
            self._guarded(f"{pipeline.name}/sink", ["value = encode(value)"])
            self._write("if value is not None:", "    emit(value)")

    def _step(self, number: int, step: Step, site: str) -> None:
        self.names[f"step{number}"] = step.computation.function
        many = isinstance(step.computation, (ComputationMulti, StateComputationMulti))
        if step.state is not None:
            self._entity(number, step, step.state, site)
            self._state_call(number, many, site)
        elif many:
            self._guarded(site, [f"many = step{number}(value)", "if type(many) is not list:", "    many = whole(many)"])
        else:
            self._guarded(site, [f"value = step{number}(value)"])
        if many:
            self._write("for value in many:")
            self._depth += 1
        self._drop_none()

    def _entity(self, number: int, step: Step, state: State, site: str) -> None:
        """Find the state entity of a message, or hand the message on to where it is."""
        entities = self._around.entities[state.name]
        exchange = self._exchanges.get(number)
        self.names[f"known{number}"] = entities.by_text.get
        keyed = step.partition is not None
        if exchange is not None or not self._stage.keyed:
            self._key(number, step, site)
        self._write(
            f"entity = known{number}(key) if type(key) is str else None" if keyed else f"entity = known{number}(None)"
        )
        self._write("if entity is None:")
        self._depth += 1
        if exchange is None:
            self.names[f"entity{number}"] = entities.entity
            self._guarded(f"{site} key", [f"entity = entity{number}(key)"], with_key=True)
        else:
            self.names[f"away{number}"], self.names[f"find{number}"] = exchange.away.get, exchange.find
            self._write(
                f"put = away{number}(key) if type(key) is str else None" if keyed else f"put = away{number}(None)"
            )
            self._write("if put is None:")
            self._depth += 1
            self._guarded(f"{site} key", [f"entity, put = find{number}(key)"], with_key=True)
            self._depth -= 1
            self._write("if put is not None:", "    put((index, key, value))", "    continue")
        self._depth -= 1

    def _key(self, number: int, step: Step, site: str) -> None:
        if step.partition is None:
            self._write("key = None")
        else:
            self.names[f"partition{number}"] = step.partition.function
            self._guarded(f"{site} key", [f"key = partition{number}(value)"])

    def _state_call(self, number: int, many: bool, site: str) -> None:
        """Call a state computation; what it returns must be a pair, whose second half is a bool."""
        output = "output" if many else "value"
        self._guarded(site, [f"result = step{number}(value, entity)"], with_key=True)
        pair = [
            "if type(result) is not tuple and not isinstance(result, tuple):",
            "    raise ValueError",
            f"{output}, changed = result",
            "if changed is not True and changed is not False:",
            "    raise ValueError",
        ]
        self._guarded(site, pair, with_key=True, raised="not_a_pair(result)")
        if many:  # taken whole, since later steps may change the state that a generator reads
            self._guarded(site, ["many = whole(output)"], with_key=True)
        else:
            self._write("if value is entity:")
            self._depth += 1
            self._guarded(site, ["value = apart(value)"], with_key=True)
            self._depth -= 1

    def _guarded(self, site: str, body: Sequence[str], *, with_key: bool = False, raised: str = "error") -> None:
        """Statements that may raise. What they raise is reported, and the innermost loop goes on with its next message.

        Args:
            site: the identity of the step.
            body: the statements.
            with_key: whether the key of the message is known.
            raised: the exception to report.
        """
        name = f"site{len(self.names)}"
        self.names[name] = site
        self._write("try:", *(f"    {line}" for line in body), "except BaseException as error:")
        self._write(f"    fail(batch, index, {name}, {raised}{', key' if with_key else ''})", "    continue")

    def _drop_none(self) -> None:
        self._write("if value is None:", "    continue")

    def _write(self, *lines: str) -> None:
        indent = "    " * self._depth
        self._lines.extend(indent + line for line in lines)
