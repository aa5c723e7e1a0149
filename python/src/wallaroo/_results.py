"""What a step gave back: is it what its kind of step must give?

The generated stage functions look at the common case themselves and come here for all others.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from operator import is_
from typing import ClassVar

_LONG = 200  # characters of a value of the user's in a text
_NOT_MANY = (str, bytes, bytearray, memoryview, dict)


class WrongResult(Exception):
    """A function of the user's gave back what it must not. The text says what came and what was expected.

    Attributes:
        function: the function or class that gave it, if it is another than the one of the step.
    """

    def __init__(self, text: str, function: object = None) -> None:
        super().__init__(text)
        self.function = function


@dataclass(frozen=True)
class Limits:
    """How much one message may give, and how much travels together.

    Attributes:
        messages: results of one step.
        bytes: what goes to a sink, all of it together; or one message that goes to another executor.
        piece: messages that stay together on their way to another executor.
    """

    messages: int
    bytes: int
    piece: int

    HINT: ClassVar[str] = "let the step give less, or raise --max-call-output"


def whole(most: int, many: object) -> list[object]:
    """The results of a computation with several, taken whole before any of them goes on.

    Raises:
        WrongResult: it is not an iterable, or one whose parts nobody means: a str, bytes, dict or named tuple; or they
            are too many.
        Exception: what a generator raises.
    """
    if many is None:
        return []
    if not iterates(many):
        raise WrongResult(
            f"got {describe(many)}; a computation with several results returns a list of them, another iterable, or "
            "None: return [result] if there is one"
        )
    results = list(islice(many, most + 1))  # type: ignore[call-overload]  # there may be no end to them
    if len(results) > most:
        raise WrongResult(f"got more than {most} results for one message: {Limits.HINT}")
    return results


def whole_beside_state(most: int, serializer: Serializer, many: object, entity: object) -> list[object]:
    """The results of a state computation with several: as `whole`, and none of them is the state entity itself.

    Raises:
        WrongResult, Exception: as for `whole`, and what copying the entity raises.
    """
    if many is not None and not iterates(many):
        raise WrongResult(
            f"got {describe(many)} for the outputs; a state computation with several results returns a tuple "
            "(outputs, changed), where outputs is a list, another iterable, or None: return ([output], True) if there "
            "is one"
        )
    results = whole(most, many)
    if any(map(is_, results, repeat(entity))):
        return [serializer.apart(result) if result is entity else result for result in results]
    return results


def iterates(many: object) -> bool:
    """Whether it is what a computation with several results may return."""
    kind = type(many)
    named = issubclass(kind, tuple) and hasattr(kind, "_fields")  # one record, and its fields are its parts
    return not (named or issubclass(kind, _NOT_MANY)) and (issubclass(kind, Iterable) or hasattr(kind, "__getitem__"))


def not_a_pair(result: object) -> WrongResult:
    """The error of a state computation that gave back something else than a tuple of an output and a bool."""
    return WrongResult(
        f"got {describe(result)}; a state computation returns a tuple (output, changed), "
        "where changed is True or False: return (output, True)"
    )


def encoded(value: object) -> bytes:
    """What an encoder gave back, as bytes.

    Raises:
        WrongResult: it is neither bytes nor str, or a str that has no UTF-8 form.
    """
    if isinstance(value, str):
        try:
            return str.encode(value)
        except UnicodeEncodeError as error:
            raise WrongResult(
                f"got {describe(value)}, which has no UTF-8 form ({error.reason}); return other text, or bytes"
            ) from None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise WrongResult(
        f"got {describe(value)}; an encoder returns bytes, a str (written as UTF-8), or None to write nothing"
    )


@dataclass(frozen=True)
class Serializer:
    """How objects of the application become bytes, and bytes objects."""

    serialize: Callable[[object], bytes]
    deserialize: Callable[[bytes], object]

    def written(self, value: object) -> bytes:
        """An object as bytes.

        Raises:
            WrongResult: the application's own function gave back something else.
            Exception: what it raises.
        """
        data = self.serialize(value)
        if not isinstance(data, bytes):
            raise WrongResult(f"got {describe(data)} from serialize; it returns bytes", self.serialize)
        return data

    def apart(self, output: object) -> object:
        """A copy of a result that is the state entity itself, so that what follows does not share it with the state.

        Raises:
            WrongResult: there can be none.
        """
        try:
            return self.deserialize(self.written(output))
        except BaseException as error:
            raise WrongResult(
                f"got the state entity itself, {describe(output)}; what follows gets a copy of it, and there can be "
                f"none ({in_short(error)}): return what the next step needs of it"
            ) from error

    def pack(self, keys: Sequence[object], values: Sequence[object]) -> bytes:
        """Keys and values as one piece of bytes. Keys are always pickled; values by the application's own function."""
        if self is not PICKLE:
            values = [self.written(value) for value in values]
        return pickle.dumps((keys, values), pickle.HIGHEST_PROTOCOL)


PICKLE = Serializer(partial(pickle.dumps, protocol=pickle.HIGHEST_PROTOCOL), pickle.loads)


def describe(value: object) -> str:
    """A value and its type, short enough for one line of a log."""
    return "None" if value is None else f"{type(value).__name__} {short_repr(value)}"


def in_short(error: BaseException) -> str:
    """An exception as a part of a sentence."""
    if isinstance(error, WrongResult):
        return str(error)
    try:
        text = str(error)
    except BaseException as another:  # noqa: BLE001  (its text is the user's code)
        text = f"<its text raised {type(another).__name__}>"
    return f"{type(error).__name__}: {_cut(text)}" if text else type(error).__name__


def short_repr(value: object) -> str:
    """The repr of a value of the user's, cut if it is long, which ... marks; never an exception."""
    try:
        if isinstance(value, (str, bytes)) and len(value) > _LONG:
            value = value[:_LONG]  # of a large one no more is written out than is shown
            return f"{repr(value)[: _LONG - 3]}..."
        return _cut(repr(value))
    except BaseException as error:  # noqa: BLE001  (the repr is the user's code)
        return f"<its repr raised {type(error).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 3] + "..."
