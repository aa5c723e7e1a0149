"""Checks, where it is asked for, that what user code gives is its own no more.

Each result goes on as a copy made of its bytes, and must hold the same still when calls are done. It is slow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ._alike import difference
from ._failures import Site
from ._results import Serializer, WrongResult, iterates

_WATCHED = 1024  # how many of the last results are looked at again


@dataclass(frozen=True)
class _Given:
    """A result that was handed on, and a copy of it as it was then."""

    site: Site
    result: object
    was: object


class Ownership:
    """The results that a process has handed on."""

    def __init__(self, serializer: Serializer) -> None:
        """Results become bytes by the serializer, as on their way to another executor."""
        self._serializer = serializer
        self._given: deque[_Given] = deque(maxlen=_WATCHED)

    def checked(self, site: Site, function: Callable[..., Any], *, several: bool, state: bool) -> Callable[..., Any]:
        """A function that gives what one of the user's gives, checked; what it may not give at all it leaves alone."""
        hand_on = self._each if several else self._one

        def stateless(message: object) -> object:
            return hand_on(site, function(message), None)

        def stateful(message: object, entity: object) -> object:
            result = function(message, entity)
            if not isinstance(result, tuple) or len(result) != 2:
                return result
            return hand_on(site, result[0], entity), result[1]

        return stateful if state else stateless

    def _each(self, site: Site, many: object, entity: object) -> object:
        return self._taken(site, many, entity) if iterates(many) else many

    def _taken(self, site: Site, many: Any, entity: object) -> Iterator[object]:
        for one in many:
            yield self._one(site, one, entity)

    def _one(self, site: Site, result: object, entity: object) -> object:
        if result is None or result is entity:
            return result  # nothing, or what is copied anyway
        data = self._serializer.written(result)
        other = self._serializer.deserialize(data)
        found = difference("result", result, other)
        if found is not None:
            raise WrongResult(
                "the result comes back from its bytes as another one: "
                f"{found.path} was {found.one}, and is {found.other}"
            )
        self._given.append(_Given(site, result, self._serializer.deserialize(data)))
        return other

    def changed(self) -> Iterator[tuple[Site, WrongResult]]:
        """Results that have changed since they were handed on, each once."""
        given, self._given = self._given, deque(maxlen=_WATCHED)
        for one in given:
            found = difference("result", one.was, one.result)
            if found is None:
                self._given.append(one)
                continue
            yield (
                one.site,
                WrongResult(
                    f"a result was changed after it was handed on: {found.path} was {found.one}, and is {found.other}; "
                    "it shares parts with state, or with what the function keeps: return a copy of them"
                ),
            )
