"""The application while it is being declared: what the user said so far, and each mistake with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ._application import Application, Pipeline, State, Step
from ._connectors import TCPSinkConfig, TCPSourceConfig
from ._function import Decorated, describe, label_of, wrong_name
from ._keys import canonical
from ._mistakes import listed, misplaced, required_parameters, wrong_keys, wrong_state_class
from ._places import calling
from ._steps import Computation, ComputationMulti, Key, Partition, StateComputation, StateComputationMulti
from .errors import WallarooParameterError

SOURCE, SINK = "source", "sink"
"""What the ends of a pipeline are called, beside its steps."""

_STATELESS = (Computation, ComputationMulti)
_STATEFUL = (StateComputation, StateComputationMulti)


_FOR_KEYS = "write to_state_partition(...), which has an entity for each key"


@dataclass(frozen=True)
class StateUse:
    """What one step says of its state, as the user wrote it: any value may still be wrong."""

    name: Any
    cls: Any
    keyed: bool
    u64: bool = False
    partition: Any = None
    keys: Collection[Key] | None = None

    def mistakes(self, method: str) -> Iterator[str]:
        """Yield what is wrong with it by itself, a phrase each."""
        yield from wrong_name("state_name", self.name)
        yield from wrong_state_class(self.cls, self.keyed, _FOR_KEYS)
        if self.keyed:
            yield from misplaced(f"the partition_function of {method}()", self.partition, Partition)
        if self.keys is not None:
            yield from wrong_keys(self.keys, self.u64)

    def other_form(self, state: State, first_use: str) -> Iterator[str]:
        """Yield whether it is divided otherwise than by the first use of the same name."""
        here, there = _form(self.keyed, self.u64), _form(state.keyed, state.u64)
        if here != there:
            yield (
                f"the state {self.name!r} has {here} here and {there} in {first_use}; "
                "give this step another state_name, or use the same method for both"
            )

    def other_class(self, state: State, first_use: str) -> Iterator[str]:
        """Yield whether it is of another class than by the first use of the same name."""
        if self.cls is not state.cls:
            yield (
                f"the state {self.name!r} is of class {label_of(self.cls)} here and of class {label_of(state.cls)} in "
                f"{first_use}; steps of one state_name share entities: give this step another, or both the same class"
            )


class Draft:
    """Collects pipelines, steps and states. Nothing raises before `finish`, so that all mistakes are told together."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pipelines: list[Pipeline] = []
        self._open = False
        self._states: dict[str, State] = {}
        self._first_uses: dict[str, str] = {}
        self._mistakes: list[str] = []
        self._report(f"application {name!r}", wrong_name("its name", name))

    def open(self, name: str, source: TCPSourceConfig) -> None:
        """Begin a pipeline."""
        where = f"pipeline {name!r}"
        if self._open:
            self._report(where, [f"begins while {self._last()} is open; end that by to_sink(...) or done() first"])
        if any(name == pipeline.name for pipeline in self._pipelines):
            self._report(where, ["there is another pipeline of this name; give each its own"])
        self._report(where, wrong_name("its name", name))
        self._look_at(getattr(source, "decoder", None))
        self._report(f"{where}, {SOURCE}", _wrong_config("source_config", source, TCPSourceConfig, "DECODER"))
        self._pipelines.append(Pipeline(name, source, (), None))
        self._open = True

    def add(self, method: str, computation: Any, *, parallel: bool = False, use: StateUse | None = None) -> None:
        """Add a step to the open pipeline; `method` is what the user called, `use` is given for a stateful step."""
        name = self._free_name(computation.name if isinstance(computation, Decorated) else label_of(computation))
        where = f"{self._last()}, step {name!r}" if self._open else f"step {name!r}"
        self._look_at(computation, use and use.partition)
        mistakes = self._not_open()
        mistakes += misplaced(f"the computation of {method}()", computation, *(_STATEFUL if use else _STATELESS))
        if use:
            mistakes += self._of_state(use, method)
        self._report(where, mistakes)
        if not mistakes:
            state = self._share(use, where) if use else None
            step = Step(name, computation, parallel, state, use.partition if use else None)
            self._pipelines[-1] = replace(self._pipelines[-1], steps=(*self._pipelines[-1].steps, step))

    def end(self, sink: TCPSinkConfig) -> None:
        """End the open pipeline with a sink."""
        self._look_at(getattr(sink, "encoder", None))
        mistakes = [*self._not_open(), *_wrong_config("sink_config", sink, TCPSinkConfig, "ENCODER")]
        self._report(f"{self._last()}, {SINK}" if self._open else SINK, mistakes)
        if not mistakes:
            self._pipelines[-1] = replace(self._pipelines[-1], sink=sink)
        self._open = False

    def end_without_sink(self) -> None:
        """End the open pipeline, if it has not ended yet."""
        if not self._pipelines:
            self._report("done()", self._not_open())
        self._open = False

    def finish(self) -> Application:
        """Make the application. Raises WallarooParameterError with a line for each mistake."""
        if not self._pipelines:
            where = f"application {self._name!r}"
            self._report(where, ["it has no pipeline; write new_pipeline(NAME, SOURCE_CONFIG) first"])
        if self._open:
            self._report(self._last(), ["it is never ended; end it by to_sink(...) or done()"])
            self._open = False
        if self._mistakes:
            told = f"application {self._name!r} cannot be built:\n{listed(self._mistakes)}"
            raise WallarooParameterError(told, self._mistakes)
        return Application(self._name, tuple(self._with_shared_states(pipeline) for pipeline in self._pipelines))

    def _with_shared_states(self, pipeline: Pipeline) -> Pipeline:
        """The pipeline with each state as all its uses together have made it."""
        steps = [replace(step, state=step.state and self._states[step.state.name]) for step in pipeline.steps]
        return replace(pipeline, steps=tuple(steps))

    def _of_state(self, use: StateUse, method: str) -> list[str]:
        """What is wrong with the use of a state, by itself and beside the first one of its name."""
        known = self._states.get(use.name) if isinstance(use.name, str) else None
        if known is None:
            return [*use.mistakes(method)]
        first_use = self._first_uses[use.name]
        # Of another form all else may be wrong for no other reason: a class that takes a key has none here.
        return [*use.other_form(known, first_use)] or [*use.mistakes(method), *use.other_class(known, first_use)]

    def _share(self, use: StateUse, where: str) -> State:
        """Note one more use of a state, and the keys it names."""
        self._first_uses.setdefault(use.name, where)
        known = self._states.get(use.name)
        keys = {canonical(key): key for key in (*(known.keys if known else ()), *(use.keys or ()))}
        takes_key = bool(required_parameters(use.cls))
        state = State(use.name, use.cls, use.keyed, use.u64, takes_key, tuple(keys.values()))
        self._states[use.name] = state
        return state

    def _free_name(self, name: str) -> str:
        """The name, or for a further use of it in this pipeline ``name#2`` and so on."""
        steps = self._pipelines[-1].steps if self._open else ()
        taken = {SOURCE, SINK, *(step.name for step in steps)}
        free, number = name, 1
        while free in taken:
            number += 1
            free = f"{name}#{number}"
        return free

    def _last(self) -> str:
        return f"pipeline {self._pipelines[-1].name!r}"

    def _not_open(self) -> list[str]:
        if self._open:
            return []
        after = f"{self._last()} has ended" if self._pipelines else "no pipeline is open"
        return [f"{after}; write new_pipeline(NAME, SOURCE_CONFIG) before this"]

    def _look_at(self, *given: object) -> None:
        """Note what is wrong with decorated functions by themselves, once for each."""
        told = [mistake for each in given if isinstance(each, Decorated) for mistake in each.mistakes]
        self._mistakes += [mistake for mistake in told if mistake not in self._mistakes]

    def _report(self, where: str, mistakes: Iterable[str]) -> None:
        self._mistakes += [f"{calling()}: {where}: {mistake}" for mistake in mistakes]


def _wrong_config(slot: str, given: object, wanted: type[TCPSourceConfig | TCPSinkConfig], codec: str) -> Iterator[str]:
    if isinstance(given, wanted):
        yield from given.mistakes()
    else:
        yield f"{slot} must be {wanted.__name__}(HOST, PORT, {codec}), not {describe(given)}"


def _form(keyed: bool, u64: bool) -> str:
    """In what form a state is divided, as part of a message."""
    if not keyed:
        return "one entity in all (to_stateful)"
    return "an entity for each int (to_state_partition_u64)" if u64 else "an entity for each key (to_state_partition)"
