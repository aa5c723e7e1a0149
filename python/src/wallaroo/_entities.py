"""The state entities that live in this process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from ._application import State
from ._keys import canonical, check_u64
from ._owners import Owners
from ._results import WrongResult


class Entities:
    """The entities of one state name: the object of each key, made when its key first comes.

    Those of a partition whose queue is shut at some stage stand apart: they are not found by a look-up in `by_key`, and
    whoever asks here must know that the queue is open.

    Attributes:
        name: the name of the state.
        by_key: those whose key is exactly a str or an int, and the one of a state without keys, under None; for a
            look-up without a call: the generated stage functions read it. True and 1.0 must not be looked up in it,
            since they would meet 1. Those of other keys are found by their canonical bytes.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.name = state.name
        self.by_key: dict[object, object] = {}
        self._by_bytes: dict[bytes, object] = {}
        self._keys: defaultdict[int, list[object]] = defaultdict(list)  # of these entities, by partition
        self._apart: dict[int, dict[bytes, tuple[object, object]]] = {}  # by partition: key and entity of each

    def name_keys(self, owners: Owners) -> None:
        """Make the entities of the keys that the application names and that are this executor's.

        Raises:
            Exception: whatever the state class raises.
        """
        for key in self._state.keys:
            encoded = self.identity(key)
            partition = owners.partition(encoded)
            if owners.has(partition):
                self.entity(key, encoded, partition)

    def identity(self, key: object) -> bytes:
        """The canonical bytes of a key, which is checked; of a state without keys those of None.

        Raises:
            WrongKey: what came cannot be one.
        """
        if not self._state.keyed:
            return canonical(None)
        if self._state.u64:
            check_u64(key)
        return canonical(key)

    def found(self, key: object, encoded: bytes) -> object | None:
        """The entity of a key if it is here, made, and does not stand apart."""
        return self.by_key.get(key) if _plain(key) else self._by_bytes.get(encoded)

    def entity(self, key: object, encoded: bytes, partition: int) -> object:
        """The entity of a key; made now if it is not here yet.

        Raises:
            Exception: whatever the state class raises.
        """
        apart = self._apart.get(partition)
        if apart is not None:
            if encoded not in apart:
                apart[encoded] = (key, self._make(key))
            return apart[encoded][1]
        entity = self.found(key, encoded)
        if entity is None:
            entity = self._make(key)
            self._keep(key, encoded, partition, entity)
        return entity

    def hold(self, partition: int) -> None:
        """Have the entities of a partition, of which there are none yet, stand apart until `release`."""
        self._apart[partition] = {}

    def load(self, partition: int, key: object, entity: object) -> None:
        """Take in an entity of a partition that is held."""
        self._apart[partition][self.identity(key)] = (key, entity)

    def release(self, partition: int) -> None:
        """Have the entities of a partition stand apart no longer."""
        for encoded, (key, entity) in self._apart.pop(partition, {}).items():
            self._keep(key, encoded, partition, entity)

    def put_back(self, key: object, entity: object) -> None:
        """Have a key that is here have another entity."""
        encoded = self.identity(key)
        for held in self._apart.values():
            if encoded in held:
                held[encoded] = (key, entity)
                return
        if _plain(key):
            self.by_key[key] = entity
        else:
            self._by_bytes[encoded] = entity

    def take(self, partition: int) -> list[tuple[object, object]]:
        """Take out all entities of a partition, with their keys, without a look at others."""
        if partition in self._apart:
            return list(self._apart.pop(partition).values())
        return [(key, self._pop(key)) for key in self._keys.pop(partition, ())]

    def sample(self) -> Iterator[tuple[object, object]]:
        """One entity with its key, if there is any: those of a state are much alike."""
        yield from islice(self.items(), 1)

    def items(self) -> Iterator[tuple[object, object]]:
        """All entities with their keys, but for those that stand apart."""
        for partition, keys in self._keys.items():
            for key in keys:
                yield key, self.entity(key, self.identity(key), partition)

    def _make(self, key: object) -> object:
        entity: object = self._state.cls(key) if self._state.takes_key else self._state.cls()
        if entity is None:
            raise WrongResult("got None from the state class, which makes a state entity", self._state.cls)
        return entity

    def _keep(self, key: object, encoded: bytes, partition: int, entity: object) -> None:
        if _plain(key):
            self.by_key[key] = entity
        else:
            self._by_bytes[encoded] = entity
        self._keys[partition].append(key)

    def _pop(self, key: object) -> object:
        return self.by_key.pop(key) if _plain(key) else self._by_bytes.pop(canonical(key))


def _plain(key: object) -> bool:
    """Whether a key, which is one, stands in `Entities.by_key`."""
    return type(key) is str or type(key) is int or key is None
