"""verify_step: a step with its state and messages pickled in between, beside the same step without."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, overload

from ._alike import difference, shared
from ._application import State, Stateful, Stateless
from ._encoding import Encoding, Stuck, read_entities
from ._entities import Entities
from ._failures import explain, user_traceback
from ._function import describe, label_of
from ._keys import canonical
from ._mistakes import misplaced, required_parameters, wrong_state_class
from ._results import PICKLE, Serializer, WrongResult, not_a_pair, short_repr, whole
from ._steps import Computation, ComputationMulti, Partition, StateComputation, StateComputationMulti

In = TypeVar("In")
Out = TypeVar("Out")
Outs = TypeVar("Outs")
Entity = TypeVar("Entity")

_MOST_RESULTS = 1 << 20  # of one message, as the engine's


class StepFailed(AssertionError):
    """A step of which `verify_step` found that it does not work as it must; the text says at which message, and how."""


@overload
def verify_step(
    step: Computation[In, Out],
    messages: Iterable[In],
    *,
    serialize: Callable[[Any], bytes] | None = ...,
    deserialize: Callable[[bytes], Any] | None = ...,
) -> list[Out]: ...


@overload
def verify_step(
    step: ComputationMulti[In, Any],
    messages: Iterable[In],
    *,
    serialize: Callable[[Any], bytes] | None = ...,
    deserialize: Callable[[bytes], Any] | None = ...,
) -> list[list[Any]]: ...


@overload
def verify_step(
    step: StateComputation[In, Entity, Out],
    messages: Iterable[In],
    *,
    state_class: Callable[[], Entity] | Callable[[Any], Entity],
    partition_function: Partition[In, Any] | None = ...,
    serialize: Callable[[Any], bytes] | None = ...,
    deserialize: Callable[[bytes], Any] | None = ...,
) -> list[Out]: ...


@overload
def verify_step(
    step: StateComputationMulti[In, Entity, Any],
    messages: Iterable[In],
    *,
    state_class: Callable[[], Entity] | Callable[[Any], Entity],
    partition_function: Partition[In, Any] | None = ...,
    serialize: Callable[[Any], bytes] | None = ...,
    deserialize: Callable[[bytes], Any] | None = ...,
) -> list[list[Any]]: ...


def verify_step(
    step: Any,
    messages: Iterable[Any],
    *,
    state_class: Callable[..., Any] | None = None,
    partition_function: Partition[Any, Any] | None = None,
    serialize: Callable[[Any], bytes] | None = None,
    deserialize: Callable[[bytes], Any] | None = None,
) -> list[Any]:
    """Run a step on messages twice: as it stands, and with each message and each state entity pickled and restored.

    An entity is pickled after every message, as if its partition moved then. Both must give the same. Objects whose
    class defines no ``==`` are the same if they hold the same.

    The state begins as in a new application: `state_class` makes the entity of a key when that first comes. To begin
    with another, give a function that makes it, as ``state_class=lambda: Account(balance=5)``.

    It also finds: a step that raises, or returns what its kind must not; a result that shares something that can change
    with its state, so that a later message would change a result that is still on its way; a state that has changed
    although the step said that it had not; and a partition function that does not give the same message the same key.

    Args:
        step: a function decorated by ``@wallaroo.computation``, ``computation_multi``, ``state_computation`` or
            ``state_computation_multi``.
        messages: what the step takes, in order: not payloads, but what a decoder or the step before returns. None is
            no message.
        state_class: for a state computation, as in the builder: called with the key if it requires one argument,
            otherwise without any; twice for each key.
        partition_function: tells the key of a message, as in ``to_state_partition``; without it all messages meet one
            entity.
        serialize: the application's own, if it has one.
        deserialize: the application's own, together with `serialize`.

    Returns:
        The output of each message, of a step with several the list of them.

    Raises:
        StepFailed: the step does not work as it must.
        TypeError: the arguments are not as they must be.
    """
    _check(step, messages, state_class, partition_function)
    if (serialize is None) != (deserialize is None):
        raise TypeError("serialize and deserialize must be two functions, or be left out both")
    serializer = PICKLE if serialize is None or deserialize is None else Serializer(serialize, deserialize)
    verification = _Verification(step, state_class, partition_function, serializer)
    try:
        return [verification.message(number, message) for number, message in enumerate(_some(messages), start=1)]
    except StepFailed as failed:
        __tracebackhide__ = True  # pytest shows the line of the test, then
        raise failed.with_traceback(None) from None


def _check(step: object, messages: object, state_class: object, partition_function: object) -> None:
    stateful = isinstance(step, (StateComputation, StateComputationMulti))
    kinds = (Computation, ComputationMulti, StateComputation, StateComputationMulti)
    if not isinstance(step, kinds):
        raise TypeError(f"the step must be a computation or a state computation, not {describe(step)}")
    if isinstance(messages, (str, bytes)) or not isinstance(messages, Iterable):
        raise TypeError(f"messages must be a list of messages, not {describe(messages)}")
    if not stateful:
        if state_class is not None or partition_function is not None:
            raise TypeError(f"{describe(step)} has no state: leave out state_class and partition_function")
        return
    if state_class is None:
        raise TypeError(f"{describe(step)} needs state: give state_class=CLASS, as in the builder")
    for_keys = "give partition_function=FUNCTION, as in to_state_partition, which tells the key of a message"
    wrong = [*wrong_state_class(state_class, partition_function is not None, for_keys)]
    if partition_function is not None:
        wrong += misplaced("partition_function", partition_function, Partition)
    if wrong:
        raise TypeError("; ".join(wrong))


def _some(messages: Iterable[object]) -> Iterator[object]:
    """The messages, none of which may be None."""
    for number, message in enumerate(messages, start=1):
        if message is None:
            raise TypeError(
                f"message {number} is None, which no step is ever given: a decoder or a step that returns None sends "
                "nothing on; leave it out"
            )
        yield message


class _Verification:
    """A step, its state as it stands, and its state that is pickled all the time."""

    def __init__(
        self,
        step: Stateless | Stateful,
        state_class: Callable[..., Any] | None,
        partition: Partition[Any, Any] | None,
        serializer: Serializer,
    ) -> None:
        self._step = step
        self._function: Callable[..., Any] = step.function
        self._partition = partition
        self._serializer = serializer
        self._plain: Entities | None = None
        self._saved: dict[bytes, bytes] = {}  # by canonical key, the entities that are pickled all the time
        if state_class is not None:
            keyed = partition is not None
            state = State(label_of(state_class), state_class, keyed, False, bool(required_parameters(state_class)))
            self._encoding = Encoding(0, state, serializer)
            self._plain, self._other = Entities(state, self._encoding), Entities(state, self._encoding)

    def message(self, number: int, message: object) -> object:
        """Run the step on a message twice; its output, if they agree."""
        where = f"{describe(self._step)}, message {number}, {short_repr(message)}"
        copy = self._travelled(where, message)
        if self._plain is None:
            output = self._called(where, message)
            self._agree(where, output, self._called(f"{where}, as it is after it was pickled", copy))
            return output
        key = self._key(where, message)
        if self._partition is not None:
            where = f"{where}, key {short_repr(key)}"
        return self._with_state(where, self._plain, key, message, copy)

    def _with_state(self, where: str, plain: Entities, key: object, message: object, copy: object) -> object:
        encoded = plain.identity(key)
        entity = self._made(where, plain, key, encoded)
        if encoded not in self._saved:
            made = self._made(where, self._other, key, encoded)
            self._saved[encoded] = self._written(f"{where}, new", encoded, made)
        before = self._saved[encoded]
        restored = self._restored(where, before)
        output, changed = self._called_with(where, message, entity)
        restored_where = f"{where}, with state that was pickled and restored"
        other_output, other_changed = self._called_with(restored_where, copy, restored)
        self._agree(where, output, other_output)
        if changed is not other_changed:
            raise StepFailed(f"{where}: changed is {changed}, but {other_changed} after its state was pickled")
        self._saved[encoded] = self._written(where, encoded, restored)
        if not changed:
            self._unchanged(where, before, self._saved[encoded])
        self._apart(where, output, entity)
        return output

    def _made(self, where: str, entities: Entities, key: object, encoded: bytes) -> object:
        try:
            return entities.entity(key, encoded, 0)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (told)
            raise StepFailed(f"{where}: making the entity failed:\n{user_traceback(error)}") from None

    def _called(self, where: str, message: object) -> object:
        try:
            output = self._function(message)
            return whole(_MOST_RESULTS, output) if isinstance(self._step, ComputationMulti) else output
        except WrongResult as wrong:
            raise StepFailed(f"{where}: {wrong}") from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  (told)
            raise StepFailed(f"{where}:\n{user_traceback(error)}") from None

    def _called_with(self, where: str, message: object, entity: object) -> tuple[object, bool]:
        try:
            result = self._function(message, entity)
            if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], bool):
                raise not_a_pair(result)
            output, changed = result
            return whole(_MOST_RESULTS, output) if isinstance(self._step, StateComputationMulti) else output, changed
        except WrongResult as wrong:
            raise StepFailed(f"{where}: {wrong}") from None
        except (Exception, SystemExit) as error:  # noqa: BLE001  (told)
            raise StepFailed(f"{where}:\n{user_traceback(error)}") from None

    def _agree(self, where: str, output: object, other: object) -> None:
        found = difference("output", output, other)
        if found is not None:
            what = "its state and the message were" if self._plain is not None else "the message was"
            raise StepFailed(
                f"{where}: the output is another after {what} pickled and restored: {found.path} is\n"
                f"  {found.one} without, and\n  {found.other} with"
            )

    def _unchanged(self, where: str, before: bytes, after: bytes) -> None:
        found = difference("state", self._restored(where, before), self._restored(where, after))
        if found is not None:
            raise StepFailed(
                f"{where}: it returned False for changed, so that its state would not be saved, but {found.path} was\n"
                f"  {found.one}, and is now\n  {found.other}; return True"
            )

    def _apart(self, where: str, output: object, entity: object) -> None:
        if output is entity:
            return  # Wallaroo hands on a copy
        found = shared("output", output, "state", entity)
        if found is not None:
            path, place, part = found
            raise StepFailed(
                f"{where}: the output shares with its state what later messages may change: {path} is {place}, "
                f"the {type(part).__name__} {short_repr(part)}; return a copy of it, as copy.deepcopy makes one"
            )

    def _travelled(self, where: str, message: object) -> object:
        """The message as it is on another executor."""
        try:
            _, [value] = pickle.loads(self._serializer.pack([None], [message]))
            if self._serializer is not PICKLE:
                value = self._serializer.deserialize(value)
            return value
        except (Exception, SystemExit) as error:  # noqa: BLE001  (told)
            text = "it cannot be pickled and restored, as a message that goes to another executor is"
            raise StepFailed(f"{where}: {text}:\n{user_traceback(error)}") from None

    def _written(self, where: str, encoded: bytes, entity: object) -> bytes:
        try:
            return self._encoding.write(encoded, entity)
        except Stuck as stuck:
            raise StepFailed(f"{where}: its state cannot be pickled:\n{stuck.reason}") from None

    def _restored(self, where: str, saved: bytes) -> object:
        try:
            [written] = read_entities(saved)
            return self._encoding.read(written)
        except Stuck as stuck:
            raise StepFailed(f"{where}: its state was pickled, but cannot be restored:\n{stuck.reason}") from None

    def _key(self, where: str, message: object) -> object:
        """The key of a message, which is the same each time one asks, and for the message after it travelled."""
        if self._partition is None:
            return None
        label = label_of(self._partition)
        keys = []
        for asked in (message, message, self._travelled(where, message)):
            try:
                keys.append(self._partition.function(asked))
                canonical(keys[-1])
            except (Exception, SystemExit) as error:  # noqa: BLE001  (told)
                raise StepFailed(f"{where}: {label}: " + "\n".join(explain(error))) from None
        for key, when in zip(keys[1:], ("when asked again", "after the message was pickled and restored"), strict=True):
            if canonical(key) != canonical(keys[0]):
                raise StepFailed(
                    f"{where}: its key is not always the same: {label} returned {keys[0]!r}, and {key!r} {when}"
                )
        return keys[0]
