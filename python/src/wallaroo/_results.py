"""What a step gave back: is it what its kind of step must give?

The generated stage functions look at the common case themselves and come here for all others.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

_NOT_MANY = (str, bytes, bytearray, memoryview, dict)


class WrongResult(Exception):
    """A step gave back what its kind of step must not."""


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
        WrongResult: it is not an iterable, or one whose parts nobody means: a str, bytes or dict; or they are too many.
        Exception: what a generator raises.
    """
    if many is None:
        return []
    if isinstance(many, _NOT_MANY) or not isinstance(many, Iterable):
        raise WrongResult(f"got {describe(many)}; a computation with several results returns a list of them, or None")
    results = list(islice(many, most + 1))  # there may be no end to them
    if len(results) > most:
        raise WrongResult(f"got more than {most} results for one message: {Limits.HINT}")
    return results


def not_a_pair(result: object) -> WrongResult:
    """The error of a state computation that gave back something else than a tuple of an output and a bool."""
    return WrongResult(
        f"got {describe(result)}; a state computation returns a tuple (output, changed), "
        "where changed is True or False: return (output, True)"
    )


def encoded(value: object) -> bytes:
    """What an encoder gave back, as bytes.

    Raises:
        WrongResult: it is neither bytes nor str.
        UnicodeEncodeError: a str that has no UTF-8 form.
    """
    if isinstance(value, str):
        return value.encode("utf-8")
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

    def apart(self, output: object) -> object:
        """A copy of a result that is the state entity itself, so that what follows does not share it with the state."""
        return self.deserialize(self.serialize(output))

    def pack(self, keys: Sequence[object], values: Sequence[object]) -> bytes:
        """Keys and values as one piece of bytes. Keys are always pickled; values by the application's own function."""
        if self is not PICKLE:
            values = [self.serialize(value) for value in values]
        return pickle.dumps((keys, values), pickle.HIGHEST_PROTOCOL)

    def unpack(self, packed: bytes | memoryview) -> tuple[Sequence[object], Sequence[object]]:
        """What `pack` packed; values that the application's own function made are still bytes."""
        keys, values = pickle.loads(packed)
        return keys, values


PICKLE = Serializer(lambda value: pickle.dumps(value, pickle.HIGHEST_PROTOCOL), pickle.loads)


def describe(value: object) -> str:
    """A value and its type, short enough for one line of a log."""
    return f"{type(value).__name__} {short_repr(value)}"


def short_repr(value: object) -> str:
    """The repr of a value of the user's, cut if it is long; never an exception."""
    try:
        text = repr(value)
    except BaseException as error:  # noqa: BLE001  (the repr is the user's code)
        return f"<its repr raised {type(error).__name__}>"
    return text if len(text) <= 200 else text[:197] + "..."
