"""The application as a value that never changes: pipelines of steps, and the states they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ._connectors import TCPSinkConfig, TCPSourceConfig
from ._steps import Computation, ComputationMulti, Key, Partition, StateComputation, StateComputationMulti

Stateless: TypeAlias = Computation[Any, Any] | ComputationMulti[Any, Any]
Stateful: TypeAlias = StateComputation[Any, Any, Any] | StateComputationMulti[Any, Any, Any]


@dataclass(frozen=True)
class State:
    """State entities of one kind; its name is its identity, and the steps that share the name share this object.

    Attributes:
        name: the state name.
        cls: makes a new entity when called with the key (if `takes_key`) or without arguments.
        keyed: there is an entity for each key; otherwise one in all.
        u64: the keys are ints from 0 to 2**64 - 1.
        takes_key: `cls` is called with the key.
        keys: the keys that exist from the start, each once, in the order in which the steps name them.
    """

    name: str
    cls: Callable[..., Any]
    keyed: bool
    u64: bool
    takes_key: bool
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Step:
    """One computation in its pipeline.

    Attributes:
        name: unique in the pipeline: the computation's name, for its second use followed by ``#2``.
        computation: what runs.
        parallel: messages may be spread, and overtake one another.
        state: what a state computation runs on; None for others.
        partition: which of the entities a message meets; None if there is no state, or one entity in all.
    """

    name: str
    computation: Stateless | Stateful
    parallel: bool
    state: State | None
    partition: Partition[Any, Any] | None


@dataclass(frozen=True)
class Pipeline:
    """A source, steps in the order of the messages, and a sink, or None where the last results go nowhere."""

    name: str
    source: TCPSourceConfig
    steps: tuple[Step, ...]
    sink: TCPSinkConfig | None


@dataclass(frozen=True)
class Application:
    """What ``application_setup`` returns: pipelines under one name."""

    name: str
    pipelines: tuple[Pipeline, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """The states in the order of their first use."""
        found = {step.state.name: step.state for pipeline in self.pipelines for step in pipeline.steps if step.state}
        return tuple(found.values())
