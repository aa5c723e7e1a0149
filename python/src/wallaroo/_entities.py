"""The state entities that live in this process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from time import perf_counter_ns

from ._application import State
from ._encoding import Encoding, Written
from ._keys import canonical, check_u64, key_of
from ._owners import Owners
from ._protocol import ProtocolError
from ._results import WrongResult

Place = object
"""Where an entity stands: its key, if that is exactly a str, an int or None, otherwise the canonical bytes of that."""

_SHELVES = 64  # dictionaries for what stands still: one that is large stops all for long when it grows or is tidied up


class Entities:
    """The entities of one state name: the object of each key, made when its key first comes.

    They stand in layers. In `changed` are those that are not now what was saved of them, and new ones. A mark makes
    them "frozen": they are to be saved as they are. From there, and from those that stand "still" since they were
    saved, an entity comes back to `changed` when a message is to meet it; a frozen one is encoded first. What the
    message did not change goes on to `read`, and comes back from there when it does change. So a mark takes no time,
    and without any all is in `changed`.

    The entities of a partition whose queue is shut at some stage stand apart: they are not found by a look-up in a
    layer, and whoever asks here must know that the queue is open.

    Attributes:
        name: the name of the state.
        encoding: how they become bytes.
        changed: by their places, for a look-up without a call: the generated stage functions read it, and take hold of
            it anew for each batch. True and 1.0 must not be looked up in it, since they would meet 1.
        read: likewise.
        ahead: nanoseconds that it took to encode what could not wait for `save`, until somebody makes it 0.
    """

    def __init__(self, state: State, encoding: Encoding) -> None:
        self._state = state
        self.encoding = encoding
        self.name = state.name
        self.changed: dict[Place, object] = {}
        self.read: dict[Place, object] = {}
        self.ahead = 0
        self._frozen: list[dict[Place, object]] = []  # from the oldest mark on; no place is in two layers
        self._still: list[dict[Place, object]] = [{} for _ in range(_SHELVES)]
        self._early: list[bytes] = []  # those that could not wait to be saved, as bytes
        self._made: object = None  # the last that was made since the last mark
        self._places: defaultdict[int, list[Place]] = defaultdict(list)  # of all entities, by partition
        self._apart: dict[int, dict[Place, object]] = {}  # by partition, what would otherwise be in a layer

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

    def place(self, key: object) -> Place:
        """Where the entity of a key stands.

        Raises:
            WrongKey: what came cannot be one.
        """
        return place_of(key, self.identity(key))

    def found(self, key: object, encoded: bytes) -> object | None:
        """The entity of a key, for a look at it: if it is here, made, and does not stand apart."""
        place = place_of(key, encoded)
        for layer in self._layers(place):
            if place in layer:
                return layer[place]
        return None

    def back(self, place: Place) -> object | None:
        """The entity that a message is to meet now, if it was saved or is to be saved, and nothing stands apart.

        From now on it counts as changed.

        Raises:
            Stuck: the entity is to be saved, and cannot become bytes.
        """
        if self._apart:
            return None
        entity = self._taken(place)
        if entity is not None:
            self.changed[place] = entity
        return entity

    def entity(self, key: object, encoded: bytes, partition: int) -> object:
        """The entity that a message is to meet now; made if it is not here yet. From now on it counts as changed.

        Raises:
            Stuck: it is to be saved, and cannot become bytes.
            Exception: whatever the state class raises.
        """
        place = place_of(key, encoded)
        changed = self._apart.get(partition, self.changed)
        entity = changed.get(place)
        if entity is None:
            entity = self._taken(place)
            if entity is None:
                entity = self._make(key)
                self._made = entity
                self._places[partition].append(place)
            changed[place] = entity
        return entity

    def change(self, place: Place, entity: object) -> None:
        """Have an entity that stood in `read` count as changed."""
        self.read.pop(place, None)
        self.changed[place] = entity

    def spare(self, place: Place, entity: object) -> None:
        """Have an entity that came back for a message, which did not change it, count as what was saved of it.

        One that was made for the message has not been saved yet. One that stands apart does so as changed.
        """
        if entity is not self._made and self.changed.pop(place, None) is not None:
            self.read[place] = entity

    def hold(self, partition: int) -> None:
        """Have the entities of a partition, of which there are none yet, stand apart until `release`."""
        self._apart[partition] = {}

    def load(self, partition: int, written: Written) -> None:
        """Take in an entity of a partition that is held. It counts as changed.

        Raises:
            Stuck: it cannot be made of its bytes.
            ProtocolError: it has no key.
        """
        place = _place_of(written)
        entity = self.encoding.read(written)
        held = self._apart[partition]
        if place not in held:
            self._places[partition].append(place)
        held[place] = entity

    def release(self, partition: int) -> None:
        """Have the entities of a partition stand apart no longer."""
        self.changed.update(self._apart.pop(partition, {}))

    def restore(self, partition: int, written: Written) -> None:
        """Take in an entity that was saved, in place of one that there may be. It counts as saved.

        Raises:
            Stuck: it cannot be made of its bytes.
            ProtocolError: it has no key.
        """
        place = _place_of(written)
        entity = self.encoding.read(written)
        if all(layer.pop(place, None) is None for layer in self._layers(place)):
            self._places[partition].append(place)
        self._shelf(place)[place] = entity

    def put_back(self, key: object, entity: object) -> None:
        """Have a key whose entity a message has just met have another one."""
        place = self.place(key)
        for held in self._apart.values():
            if place in held:
                held[place] = entity
                return
        self.changed[place] = entity

    def take(self, partition: int) -> Iterator[bytes]:
        """Take out all entities of a partition, as bytes, without a look at others.

        Raises:
            Stuck: one cannot become bytes.
        """
        changed = self._apart.pop(partition, self.changed)
        for place in self._places.pop(partition, ()):
            entity = changed.pop(place, None)
            if entity is None:
                entity = self._taken(place)
            yield self.encoding.write(_encoded(place), entity)

    def mark(self) -> None:
        """From now on what has changed since the last mark is to be saved. It takes no longer if that is much."""
        if self.changed:
            self._frozen.append(self.changed)
            self.changed = {}
        self._made = None
        for partition, held in self._apart.items():
            if held:
                self._frozen.append(held)
                self._apart[partition] = {}

    def save(self, row: list[bytes], size: int) -> int:
        """Add to a row what was encoded ahead, and so many bytes of what else is to be saved; returns what is left.

        Raises:
            Stuck: an entity cannot become bytes.
        """
        row += self._early
        self._early.clear()
        while self._frozen and size > 0:
            frozen = self._frozen[0]
            while frozen and size > 0:
                place, entity = frozen.popitem()
                written = self.encoding.write(_encoded(place), entity)
                self._shelf(place)[place] = entity
                row.append(written)
                size -= len(written)
            if not frozen:
                del self._frozen[0]
        return size

    def unsaved(self) -> bool:
        """Whether there is more to be saved."""
        return bool(self._early) or any(self._frozen)

    def probe(self) -> None:
        """Find out whether entities can become bytes, by one, if there is any: those of a state are much alike.

        Raises:
            Stuck: it cannot.
        """
        for key, entity in islice(self.items(), 1):
            self.encoding.write(self.identity(key), entity)

    def items(self) -> Iterator[tuple[object, object]]:
        """All entities with their keys, but for those that stand apart."""
        for partition, places in self._places.items():
            if partition not in self._apart:
                for place in places:
                    key = key_of(place) if type(place) is bytes else place
                    yield key, self.found(key, _encoded(place))

    def _make(self, key: object) -> object:
        entity: object = self._state.cls(key) if self._state.takes_key else self._state.cls()
        if entity is None:
            raise WrongResult("got None from the state class, which makes a state entity", self._state.cls)
        return entity

    def _taken(self, place: Place) -> object | None:
        """Take out an entity that has not changed since a mark; of one that is to be saved its bytes stay."""
        for frozen in self._frozen:
            entity = frozen.get(place)
            if entity is not None:
                began = perf_counter_ns()
                self._early.append(self.encoding.write(_encoded(place), entity))
                self.ahead += perf_counter_ns() - began
                del frozen[place]
                return entity
        entity = self.read.pop(place, None)
        return self._shelf(place).pop(place, None) if entity is None else entity

    def _layers(self, place: Place) -> tuple[dict[Place, object], ...]:
        """The dictionaries that may have a place, but for what stands apart."""
        return (self.changed, *self._frozen, self.read, self._shelf(place))

    def _shelf(self, place: Place) -> dict[Place, object]:
        """The one of the still that may have a place."""
        return self._still[hash(place) % _SHELVES]


def place_of(key: object, encoded: bytes) -> Place:
    """Where the entity of a key stands, which is one and has these canonical bytes."""
    return key if type(key) is str or type(key) is int or key is None else encoded


def _place_of(written: Written) -> Place:
    try:
        return place_of(key_of(written.key), written.key)
    except ValueError as error:
        raise ProtocolError(f"an entity without a key: {error}") from None


def _encoded(place: Place) -> bytes:
    """The canonical bytes of the key whose entity stands there."""
    return place if type(place) is bytes else canonical(place)
