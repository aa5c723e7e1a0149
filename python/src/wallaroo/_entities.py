"""The state entities that live in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ._application import State
from ._keys import canonical

_Index = TypeVar("_Index")


class Entities:
    """The entities of one state name: the object of each key, made when its key first comes.

    Those whose key is neither str nor int are found by their canonical bytes, so that 1, True and 1.0 do not meet.

    Attributes:
        by_text: those whose key is a str, for a look-up without a call: the generated stage functions read it. A state
            without keys keeps its one entity there too, under None.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._by_bytes: dict[bytes, object] = {}
        self._by_int: dict[int, object] = {}
        self.by_text: dict[str | None, object] = {}

    def name_keys(self, ours: Callable[[bytes], bool]) -> None:
        """Make the entities of the keys that the application names and that are ours, by their canonical bytes.

        Raises:
            Exception: whatever the state class raises, and TypeError or ValueError for what cannot be a key.
        """
        for key in self._state.keys:
            if ours(self.identity(key)):
                self.entity(key)

    def identity(self, key: object) -> bytes:
        """The canonical bytes of a key, which is checked; of a state without keys those of None.

        Raises:
            TypeError, ValueError: what came cannot be a key.
        """
        if not self._state.keyed:
            return canonical(None)
        if self._state.u64:
            _check_u64(key)
        return canonical(key)

    def entity(self, key: object) -> object:
        """The entity of a key; made now if it is not here yet.

        Raises:
            TypeError, ValueError: what came cannot be a key.
            Exception: whatever the state class raises.
        """
        if type(key) is int and key in self._by_int:
            return self._by_int[key]
        if not self._state.keyed:
            return self._keep(self.by_text, None, None)
        if self._state.u64:
            _check_u64(key)
        if type(key) is int:
            return self._keep(self._by_int, key, key)
        encoded = canonical(key)
        if type(key) is str:
            return self._keep(self.by_text, key, key)
        return self._keep(self._by_bytes, encoded, key)

    def _keep(self, among: dict[_Index, object], index: _Index, key: object) -> object:
        found = among.get(index)
        if found is None:
            found = self._state.cls(key) if self._state.takes_key else self._state.cls()
            if found is None:
                raise TypeError(f"the state class of {self._state.name!r} returned None instead of a state object")
            among[index] = found
        return found


def _check_u64(key: object) -> None:
    if type(key) is not int:
        kind = type(key).__name__
        raise TypeError(f"{key!r} of type {kind} is not a key of to_state_partition_u64: return an int, as in int(key)")
    if not 0 <= key < 1 << 64:
        raise ValueError(f"the key {key} does not fit 64 bits without a sign: return an int from 0 to 2**64 - 1")
