"""The functions that steps are made of: computations, state computations, and the partition functions of their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar

from ._function import Decorated, describe, explained, label_of

Key: TypeAlias = "str | bytes | int | bool | tuple[Key, ...] | None"
"""What a partition function returns."""

In = TypeVar("In", contravariant=True)
State = TypeVar("State", contravariant=True)
Out = TypeVar("Out", covariant=True)
Outs = TypeVar("Outs", bound=Iterable[object] | None, covariant=True)
PartitionKey = TypeVar("PartitionKey", bound=Key, covariant=True)


class Computation(Decorated, Generic[In, Out]):
    """A function of a message, made by `computation`. `function` is the bare function; calling the object calls it."""

    decorator: ClassVar[str] = "computation"
    example: ClassVar[str] = '@wallaroo.computation(name="{0}")'
    place: ClassVar[str] = "to({0}) or to_parallel({0})"
    instead_of_yield: ClassVar[str | None] = '@wallaroo.computation_multi(name="...") if it has several results'
    kind: ClassVar[str] = "computation"
    multi: ClassVar[bool] = False

    function: Callable[[In], Out]

    if TYPE_CHECKING:

        def __call__(self, data: In) -> Out: ...


class ComputationMulti(Decorated, Generic[In, Outs]):
    """A function of a message with any number of results, made by `computation_multi`; `Outs` is their iterable."""

    decorator: ClassVar[str] = "computation_multi"
    example: ClassVar[str] = '@wallaroo.computation_multi(name="{0}")'
    place: ClassVar[str] = Computation.place
    kind: ClassVar[str] = "computation"
    multi: ClassVar[bool] = True
    instead_of_yield: ClassVar[str | None] = None

    function: Callable[[In], Outs]

    if TYPE_CHECKING:

        def __call__(self, data: In) -> Outs: ...


class StateComputation(Decorated, Generic[In, State, Out]):
    """A function of a message and a state entity, made by `state_computation`."""

    decorator: ClassVar[str] = "state_computation"
    instead_of_yield: ClassVar[str | None] = '"return output, changed"'
    example: ClassVar[str] = '@wallaroo.state_computation(name="{0}")'
    place: ClassVar[str] = (
        'to_state_partition({0}, STATE_CLASS, "STATE NAME", PARTITION), with a state entity for each key, '
        'or to_stateful({0}, STATE_CLASS, "STATE NAME"), with one in all'
    )
    kind: ClassVar[str] = "state computation"
    multi: ClassVar[bool] = False
    arguments: ClassVar[tuple[str, ...]] = ("data", "state")

    atomic: bool = False
    """Whether its entity is put back if it fails."""

    function: Callable[[In, State], tuple[Out, bool]]

    if TYPE_CHECKING:

        def __call__(self, data: In, state: State) -> tuple[Out, bool]: ...


class StateComputationMulti(Decorated, Generic[In, State, Outs]):
    """A function of a message and a state entity with any number of results, made by `state_computation_multi`."""

    decorator: ClassVar[str] = "state_computation_multi"
    instead_of_yield: ClassVar[str | None] = '"return outputs, changed" with a list of outputs'
    example: ClassVar[str] = '@wallaroo.state_computation_multi(name="{0}")'
    place: ClassVar[str] = StateComputation.place
    kind: ClassVar[str] = "state computation"
    multi: ClassVar[bool] = True
    arguments: ClassVar[tuple[str, ...]] = ("data", "state")

    atomic: bool = False
    """Whether its entity is put back if it fails."""

    function: Callable[[In, State], tuple[Outs, bool]]

    if TYPE_CHECKING:

        def __call__(self, data: In, state: State) -> tuple[Outs, bool]: ...


class Partition(Decorated, Generic[In, PartitionKey]):
    """A function from a message to the key whose state entity it meets, made by `partition`."""

    decorator: ClassVar[str] = "partition"
    example: ClassVar[str] = "@wallaroo.partition"
    place: ClassVar[str] = 'to_state_partition(STATE_COMPUTATION, STATE_CLASS, "STATE NAME", {0})'

    function: Callable[[In], PartitionKey]

    if TYPE_CHECKING:

        def __call__(self, data: In) -> PartitionKey: ...


@explained(Computation, "a name")
def computation(name: str) -> Callable[[Callable[[In], Out]], Computation[In, Out]]:
    """Decorate a function of a message whose result goes on to the next step.

    None goes nowhere, so a computation can filter.

    Args:
        name: the name of the step in logs, metrics and the user interface.

    Returns:
        A decorator that makes a `Computation` of the function, which stays callable.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the function does not take exactly one message,
            yields or is async, or the name is not a printable str.
    """
    return lambda function: Computation(name, function)


@explained(ComputationMulti, "a name")
def computation_multi(name: str) -> Callable[[Callable[[In], Outs]], ComputationMulti[In, Outs]]:
    """Decorate a function of a message that returns a list of results, or any other iterable, or yields them.

    Each result goes on as a message of its own, in order; None among them is left out. None or an empty list filters.

    Args:
        name: the name of the step in logs, metrics and the user interface.

    Returns:
        A decorator that makes a `ComputationMulti` of the function, which stays callable.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the function does not take exactly one message
            or is async, or the name is not a printable str.
    """
    return lambda function: ComputationMulti(name, function)


@explained(StateComputation, "a name")
def state_computation(
    name: str, *, atomic: bool = False
) -> Callable[[Callable[[In, State], tuple[Out, bool]]], StateComputation[In, State, Out]]:
    """Decorate a function of a message and the state entity it meets. It may change the entity in place.

    It returns a tuple ``(output, changed)``: the output goes on to the next step (None goes nowhere); ``changed`` is a
    bool that says whether the entity must be saved.

    Args:
        name: the name of the step in logs, metrics and the user interface.
        atomic: if the step fails, its entity is put back as it was before the message. That costs a pickle of the
            entity for each message. Otherwise what the call has changed by then stays.

    Returns:
        A decorator that makes a `StateComputation` of the function, which stays callable.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the function does not take exactly a message and
            a state entity, yields or is async, the name is not a printable str, or `atomic` is not a bool.
    """
    return lambda function: StateComputation(name, function, *_wrong_atomic(atomic), atomic=atomic is True)


@explained(StateComputationMulti, "a name")
def state_computation_multi(
    name: str, *, atomic: bool = False
) -> Callable[[Callable[[In, State], tuple[Outs, bool]]], StateComputationMulti[In, State, Outs]]:
    """Decorate a function of a message and the state entity it meets, with any number of results.

    It returns a tuple ``(outputs, changed)``: a list of outputs or any other iterable, as for `computation_multi`, and
    a bool that says whether the entity must be saved.

    Args:
        name: the name of the step in logs, metrics and the user interface.
        atomic: as for `state_computation`.

    Returns:
        A decorator that makes a `StateComputationMulti` of the function, which stays callable.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the function does not take exactly a message and
            a state entity, yields or is async, the name is not a printable str, or `atomic` is not a bool.
    """
    return lambda function: StateComputationMulti(name, function, *_wrong_atomic(atomic), atomic=atomic is True)


def _wrong_atomic(atomic: object) -> Iterator[str]:
    if not isinstance(atomic, bool):
        yield f" is wrong here: atomic must be True or False, not {describe(atomic)}"


@explained(Partition)
def partition(function: Callable[[In], PartitionKey]) -> Partition[In, PartitionKey]:
    """Decorate a function from a message to its key.

    Messages with equal keys meet the same state entity, one at a time. A key is a str, bytes, int, bool, None or a
    tuple of these; ``1``, ``True`` and ``"1"`` are three keys.

    Args:
        function: takes the message that the state computation will take. Its ``__name__`` is the name.

    Returns:
        A `Partition`, which stays callable.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the function does not take exactly one message,
            yields or is async.
    """
    return Partition(label_of(function), function)
