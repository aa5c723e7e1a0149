"""Makes the function of a stage: a pipeline's steps as one piece of Python, without a call of ours between the user's.

A closure for each step costs a tenth of the speed; one generated function costs nothing measurable. A step that
raises ends its own message only: each call of user code stands in a try of its own, which is free until it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from types import CodeType
from typing import Any, Protocol

from ._application import Application, Pipeline, State, Step
from ._atomic import Keeper
from ._care import Care
from ._encoding import Stuck
from ._exchange import Exchange, Stage
from ._exchange import Outbox as ExchangeOutbox
from ._failures import Site
from ._keys import WrongKey
from ._letters import Payload
from ._ownership import Ownership
from ._pieces import Reader
from ._protocol import Batch
from ._results import Limits, Serializer, not_a_pair, whole, whole_beside_state
from ._sink import Outbox as SinkOutbox
from ._sink import SinkWriter
from ._steps import ComputationMulti, StateComputation, StateComputationMulti

StageFunction = Callable[[Batch], Sequence[int]]
"""Processes a batch; tells how many messages have entered each step, from the stage's first one on."""

ReplayFunction = Callable[[Batch, object], Sequence[int]]
"""Processes one message, of a batch that is only a name for it; tells the same."""


_WITH_STATE = (StateComputation, StateComputationMulti)


class Outbox(SinkOutbox, ExchangeOutbox, Protocol):
    """Where all goes that leaves a stage."""


@dataclass(frozen=True)
class Surroundings:
    """What the stages of a process have around them.

    Attributes:
        application: what the user built.
        stages: those of all pipelines, as the engine cut them.
        exchanges: the ways to keyed stages, by the number of the stage.
        serializer: how objects of the application become bytes.
        limits: how much may come of one message.
        outbox: where results and failures go.
        ownership: watches what steps give; None unless it is asked for.
        care: goes before what is the user's; None unless a process has died.
    """

    application: Application
    stages: Sequence[Stage]
    exchanges: Mapping[int, Exchange]
    serializer: Serializer
    limits: Limits
    outbox: Outbox
    ownership: Ownership | None
    care: Care | None = None

    def taken(self, site: Site, function: Callable[..., Any]) -> Callable[..., Any]:
        """What is called for a function of the user's that takes a message."""
        return function if self.care is None else self.care.taken(site, function)


Sites = Mapping[int, tuple[Site, bool]]
"""By the line of a generated function: whose code it calls, and whether the key is known there."""


def stage_function(around: Surroundings, number: int, file: str) -> tuple[StageFunction, Sites]:
    """The function that takes messages through a stage, and through the later ones as far as they are here.

    Its code says that it is in a file of this name.
    """
    stage = around.stages[number]
    writer = _StageWriter(around, stage.pipeline, stage.first, _Entry.EDGE if stage.keyed else _Entry.SOURCE)
    return writer.made(file), writer.sites


def replay_function(around: Surroundings, pipeline: int, first: int, file: str) -> tuple[ReplayFunction, Sites]:
    """The function that takes one message through a step and what follows, as if the step before had given it.

    The step behind the last one is the encoder.
    """
    writer = _StageWriter(around, pipeline, first, _Entry.REPLAY)
    return writer.made(file), writer.sites


@lru_cache(maxsize=256)
def _compiled(source: str, file: str) -> CodeType:
    """The code of a source, which holds nothing of the user's: stages that are made again have the same."""
    return compile(source, file, "exec")


class _Entry(Enum):
    """How messages come: payloads from a source, with their keys by an edge, or one that is sent again."""

    SOURCE = 1
    EDGE = 2
    REPLAY = 3


class _StageWriter:
    """Writes the source of one stage. What is the user's is reached by names that are made here.

    Attributes:
        names: what the source refers to.
        sites: whose code its lines call.
    """

    def __init__(self, around: Surroundings, pipeline: int, first: int, entry: _Entry) -> None:
        self._around = around
        self._first = first
        self._entry = entry
        self._pipeline: Pipeline = around.application.pipelines[pipeline]
        # The steps at which a message may leave for another executor, and the exchange there.
        self._exchanges = {
            stage.first: around.exchanges[number]
            for number, stage in enumerate(around.stages)
            if stage.pipeline == pipeline and stage.keyed and stage.first >= first
        }
        self._value = "value"  # the name of what the next step gets
        self._lines: list[str] = []
        self._depth = 0
        self.sites: dict[int, tuple[Site, bool]] = {}
        self.names: dict[str, Any] = {
            "fail": around.outbox.fail,
            "whole": partial(whole, around.limits.messages),
            "beside": partial(whole_beside_state, around.limits.messages, around.serializer),
            "most": around.limits.messages,
            "not_a_pair": not_a_pair,
            "apart": around.serializer.apart,
            "Stuck": Stuck,
            "WrongKey": WrongKey,
        }
        if self._pipeline.sink is not None:
            header, site = self._pipeline.sink.header, site_at(self._pipeline, len(self._pipeline.steps))
            writer = SinkWriter(around.outbox, pipeline, site, around.limits, header)
            self.names["flush"] = writer.flush

    def made(self, file: str) -> Any:
        """The function, whose code says that it is in a file of this name."""
        code = _compiled(self.write(), file)
        names = dict(self.names)
        exec(code, names)  # noqa: S102  (no text of the user's is in it)
        return names["make"]()

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
        self._write("def stage(batch, given, BOUND):" if self._entry is _Entry.REPLAY else "def stage(batch, BOUND):")
        self._depth = 2
        each = self._come()
        for number, exchange in self._exchanges.items():  # a mark puts another dictionary there, between two calls
            self.names[f"entities{number}"] = exchange.entities
            self._write(f"changed{number}, read{number} = entities{number}.changed.get, entities{number}.read.get")
        self._write("results, marks, before, enough = [], [], 0, 64", "emit, mark = results.append, marks.append")
        self._write(*(f"gave{number} = lost{number} = 0" for number in self._numbers()))
        if self._entry is _Entry.EDGE:
            self._lose(self._after(self._first), "unread")
        self._write(f"for {each}:")
        self._depth = 3
        if self._pipeline.sink is not None:
            self._write("count = len(results)", "if count >= enough:", "    before += count")
            self._write("    enough = flush(batch, results, before - count, marks)", "    count = 0")
            self._write("mark(before + count)")
        self._steps()
        self._depth = 2
        if self._pipeline.sink is not None:
            self._write("if results:", "    flush(batch, results, before, marks)")
        self._entered()

    def _come(self) -> str:
        """Prepare for the messages; returns what a loop takes of which."""
        if self._entry is _Entry.REPLAY:
            self._write("came = 1")
            return "index, value in ((0, given),)"
        if self._entry is _Entry.SOURCE:
            self._write("data, end, came = batch.payload, batch.start, len(batch.sizes)")
            return "index, size in enumerate(batch.sizes)"
        exchange = self._exchanges[self._first]
        self.names["arrived"], self.names["settled"] = exchange.arrived, exchange.settled
        sites = step_site(self._pipeline, self._first), producer(self._pipeline, self._first)
        self.names["read"] = Reader(self._around.serializer, self._around.outbox, *sites).read
        self._write("came, messages, unread = read(batch)", "if batch.settles:", "    arrived = settled")
        return "index, key, value in messages"

    def _numbers(self) -> range:
        """The steps from the stage's first one on."""
        return range(self._first, len(self._pipeline.steps))

    def _entered(self) -> None:
        """Return how many messages have entered each step.

        Nothing is counted on the way of a message that goes on, but for the results of steps with several: `gave` are
        those for a step, `lost` the messages that did not come to it or went elsewhere.
        """
        came = "came"
        for number in self._numbers():
            if number > self._first:
                several = _gives_several(self._pipeline.steps[number - 1])
                came = f"gave{number}" if several else f"entered{number - 1}"
            self._write(f"entered{number} = {came} - lost{number}")
        self._write(f"return ({''.join(f'entered{number}, ' for number in self._numbers())})")

    def _steps(self) -> None:
        """One message's way: decoder, steps, encoder."""
        pipeline = self._pipeline
        if self._entry is _Entry.SOURCE:
            site = site_at(pipeline, -1)
            self.names["decode"] = self._around.taken(site, pipeline.source.decoder.function)
            self.names["Payload"] = Payload
            self._write("start = end", "end += size")
            payload = "Payload(data[start:end])"
            self._guarded(site, ["value = decode(data[start:end])"], message=payload, lacking=self._first)
            self._drop_none(self._first)
        for number, step in enumerate(pipeline.steps):
            if number >= self._first:
                self._step(number, step, step_site(pipeline, number))
        if pipeline.sink is not None:
            site = site_at(pipeline, len(pipeline.steps))
            self.names["encode"] = self._around.taken(site, pipeline.sink.encoder.function)
            self._guarded(site, [f"{self._value} = encode({self._value})"])
            self._write(f"if {self._value} is not None:", f"    emit({self._value})")

    def _after(self, number: int) -> int | None:
        """The step to which a message does not come that fails in this one; None if there it is not awaited."""
        return None if _gives_several(self._pipeline.steps[number]) else number + 1

    def _step(self, number: int, step: Step, site: Site) -> None:
        many = _gives_several(step)
        function: Callable[..., Any] = step.computation.function
        if self._around.ownership is not None:
            function = self._around.ownership.checked(site, function, several=many, state=step.state is not None)
        self.names[f"step{number}"] = self._around.taken(site, function)
        if step.state is not None:
            self._entity(number, step, step.state, site)
            self._state_call(number, step, many, site)
        elif many:
            # A list is copied too: a later step may change it, if the user keeps it.
            take = ["many = many[:] if type(many) is list and len(many) <= most else whole(many)"]
            self._guarded(site, [f"many = step{number}({self._value})", *take])
        else:
            self._guarded(site, [f"{self._value} = step{number}({self._value})"], lacking=number + 1)
        if many:
            if number + 1 in self._numbers():
                self._write(f"gave{number + 1} += len(many)")
            self._write(f"for {self._value} in many:")
            self._depth += 1
        self._drop_none(number + 1)

    def _entity(self, number: int, step: Step, state: State, site: Site) -> None:
        """Find the state entity of a message, or hand the message on to where it is."""
        exchange = self._exchanges[number]
        of_key = site
        if step.partition is not None:
            of_key = site.key(step.partition.function)
        arrives = self._entry is _Entry.EDGE and number == self._first
        if not arrives:
            self._key(number, step, of_key)
        self._place(number, step, state, of_key)
        # Most have changed already. Those that are only read are near; what is neither is found by a call.
        self._write(f"entity, near, found = changed{number}(place), False, False", "if entity is None:")
        self._depth += 1
        self._write(f"entity, near = read{number}(place), True", "if entity is None:")
        self._depth += 1
        self._write("near, found = False, True")
        if arrives:
            self._find("arrived", number, site, of_key)
        else:
            self.names[f"away{number}"], self.names[f"find{number}"] = exchange.away.get, exchange.find
            self._write(f"put = away{number}(place)", "if put is None:")
            self._depth += 1
            self._find(f"find{number}", number, site, of_key)
            self._depth -= 1
        self._write(
            "if put is not None:", f"    put((index, key, {self._value}))", f"    lost{number} += 1", "    continue"
        )
        self._depth -= 2

    def _place(self, number: int, step: Step, state: State, of_key: Site) -> None:
        """Where the entity of a key stands: for keys that are most without a call. What is no key is a failure."""
        if step.partition is None:
            self._write("place = None")
            return
        plain = "type(key) is int" if state.u64 else "type(key) is str or type(key) is int"
        self.names[f"place{number}"] = self._exchanges[number].entities.place
        self._write("try:", f"    place = key if {plain} else place{number}(key)")
        self._caught(of_key, "WrongKey", with_key=True, lacking=self._after(number))

    def _find(self, how: str, number: int, site: Site, of_key: Site) -> None:
        """What cannot be a key is the partition function's failure; what a state class raises is the step's.

        An entity that is to be saved and cannot become bytes ends the call.
        """
        self._write("try:", f"    entity, put = {how}(key, place)")
        self._belongs(site, with_key=True)
        self._write("except Stuck:", "    raise")
        self._caught(of_key, "WrongKey", with_key=True, lacking=self._after(number))
        self._caught(site, with_key=True, lacking=self._after(number))

    def _key(self, number: int, step: Step, of_key: Site) -> None:
        if step.partition is None:
            self._write("key = None")
        else:
            self.names[f"partition{number}"] = self._around.taken(of_key, step.partition.function)
            self._guarded(of_key, [f"key = partition{number}({self._value})"], lacking=self._after(number))

    def _state_call(self, number: int, step: Step, many: bool, site: Site) -> None:
        """Call a state computation; what it returns must be a pair, whose second half is a bool.

        What it gives gets another name than what it got, which is told if any of this fails.
        """
        output = "output" if many else f"value{number + 1}"
        entities = self._exchanges[number].entities
        self.names[f"change{number}"], self.names[f"spare{number}"] = entities.change, entities.spare
        changes = f"if near: change{number}(place, entity)"
        # What a call has done that fails half way is not known: that counts as a change.
        guarded = partial(self._guarded, site, with_key=True, lacking=self._after(number), first=changes)
        raised = "{}"
        if isinstance(step.computation, _WITH_STATE) and step.computation.atomic:
            keeper = Keeper(entities, self._around.serializer)
            self.names[f"keep{number}"], self.names[f"put_back{number}"] = keeper.keep, keeper.put_back
            guarded([f"kept = keep{number}(entity)"])
            raised = f"put_back{number}(key, kept, {{}})"
        guarded([f"result = step{number}({self._value}, entity)"], raised=raised.format("error"))
        pair = [
            "if type(result) is not tuple and not isinstance(result, tuple):",
            "    raise ValueError",
            f"{output}, changed = result",
            "if changed is True:",
            f"    {changes}",
            "elif changed is not False:",
            "    raise ValueError",
        ]
        guarded(pair, raised=raised.format("not_a_pair(result)"))
        if many:  # taken whole, since later steps may change the state that a generator reads
            guarded(["many = beside(output, entity)"], raised=raised.format("error"))
        else:
            self._write(f"if {output} is entity:")
            self._depth += 1
            guarded([f"{output} = apart({output})"], raised=raised.format("error"))
            self._depth -= 1
            self._value = output
        # Now nothing of the step fails any more.
        self._write("if found and not changed:", f"    spare{number}(place, entity)")

    def _guarded(
        self,
        site: Site,
        body: Sequence[str],
        *,
        with_key: bool = False,
        raised: str = "error",
        message: str = "",
        lacking: int | None = None,
        first: str = "",
    ) -> None:
        """Statements that may raise. What they raise is reported, and the innermost loop goes on with its next message.

        Args:
            site: the identity of the step.
            body: the statements.
            with_key: whether the key of the message is known.
            raised: the exception to report.
            message: what entered the step, if it has not the name that it should.
            lacking: the step that lacks the message then.
            first: what to do before it is reported.
        """
        self._write("try:")
        for line in body:
            self._write(f"    {line}")
            self._belongs(site, with_key=with_key)
        self._caught(site, with_key=with_key, raised=raised, message=message, lacking=lacking, first=first)

    def _caught(
        self,
        site: Site,
        kind: str = "BaseException",
        *,
        with_key: bool = False,
        raised: str = "error",
        message: str = "",
        lacking: int | None = None,
        first: str = "",
    ) -> None:
        """The branch of an exception."""
        name = f"site{len(self.names)}"
        self.names[name] = site
        self._write(f"except {kind} as error:", *([f"    {first}"] if first else []))
        key = ", key" if with_key else ""
        self._write(f"    fail(batch, index, {name}, {raised}, {message or self._value}{key})")
        self._belongs(site, with_key=with_key)  # a traceback takes long to make, and is the step's time
        self._end(lacking)

    def _belongs(self, site: Site, *, with_key: bool) -> None:
        """Take note of whose code the last line calls. The first line of all is that of make()."""
        self.sites[1 + len(self._lines)] = site, with_key

    def _drop_none(self, lacking: int) -> None:
        self._write(f"if {self._value} is None:")
        self._end(lacking)

    def _end(self, lacking: int | None) -> None:
        """The end of a branch: the message does not come to a step."""
        self._depth += 1
        self._lose(lacking)
        self._write("continue")
        self._depth -= 1

    def _lose(self, lacking: int | None, count: str = "1") -> None:
        if lacking in self._numbers():
            self._write(f"lost{lacking} += {count}")

    def _write(self, *lines: str) -> None:
        indent = "    " * self._depth
        self._lines.extend(indent + line for line in lines)


def step_site(pipeline: Pipeline, number: int) -> Site:
    """Where failures of a step are."""
    step = pipeline.steps[number]
    return Site(f"{pipeline.name}/{step.name}", step.computation.function)


def producer(pipeline: Pipeline, number: int) -> Site:
    """Where the messages come from that a step gets: the step before it, or the source."""
    return site_at(pipeline, number - 1)


def site_at(pipeline: Pipeline, place: int) -> Site:
    """Where failures are of a step, of the source, whose place is -1, or of the sink, behind the last step."""
    if place < 0:
        return Site(f"{pipeline.name}/source", pipeline.source.decoder.function)
    if place == len(pipeline.steps):
        return Site(f"{pipeline.name}/sink", pipeline.sink.encoder.function if pipeline.sink is not None else None)
    return step_site(pipeline, place)


def _gives_several(step: Step) -> bool:
    return isinstance(step.computation, (ComputationMulti, StateComputationMulti))
