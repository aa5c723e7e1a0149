"""What the executors of a rehearsal have saved, kept as the engine keeps it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from ._alike import difference
from ._encoding import Written, read_entities
from ._entities import Entities
from ._keys import partition_of
from ._protocol import BODY, Mark, ProtocolError, Restore, Save
from ._results import short_repr
from ._stages import Stages

_SLICE = 400  # bytes that are encoded at once, at most, where chance says how many
_ALL = 1 << 30


class ChangedSince(Exception):
    """An entity that is not what was saved of it, though nobody was to change it since. The text is for people."""


class Checkpoint:
    """The last that was saved of each entity."""

    def __init__(self) -> None:
        self._saved: dict[tuple[int, bytes], bytes] = {}  # by the state's number and the key

    def save_some(self, executors: Sequence[Stages], chance: random.Random) -> None:
        """Have one of the executors save a part of what it has to.

        Raises:
            Stuck: an entity cannot become bytes.
        """
        self._save(chance.choice(executors), chance.randint(1, _SLICE))

    def mark(self, executors: Sequence[Stages]) -> None:
        """Have them save the rest, and from now on what has changed since.

        Raises:
            Stuck: an entity cannot become bytes.
        """
        for executor in executors:
            self._save(executor, _ALL)
        for executor in executors:
            executor.mark(Mark(0, 0))

    def complete(self, executors: Sequence[Stages]) -> None:
        """Have all be saved, and look whether it is what there is.

        Raises:
            Stuck: an entity cannot become bytes, or be made of them.
            ChangedSince: it is not.
        """
        self.mark(executors)
        for executor in executors:
            self._save(executor, _ALL)
        there = 0
        for executor in executors:
            for number, entities in enumerate(executor.entities.values()):
                for key, entity in entities.items():
                    there += 1
                    self._compare(number, entities, key, entity)
        if there != len(self._saved):
            raise ProtocolError(f"{len(self._saved)} entities were saved of {there}")

    def restore(self, executors: Sequence[Stages], table: Sequence[int]) -> None:
        """Give executors that have just begun what was saved.

        Raises:
            Stuck: an entity cannot be made of its bytes.
        """
        parts: defaultdict[int, list[bytes]] = defaultdict(list)
        for (_, key), written in self._saved.items():
            parts[table[partition_of(key, len(table))]].append(written)
        for number, part in parts.items():
            executors[number].restore(Restore(0, len(part), bytes(BODY) + b"".join(part), BODY))

    def _save(self, executor: Stages, size: int) -> None:
        for saved in executor.save(Save(0, size)):
            for data in saved.entities:
                written = _only(data)
                self._saved[written.state, written.key] = data

    def _compare(self, number: int, entities: Entities, key: object, entity: object) -> None:
        """Compare an entity with what was saved of it: as bytes, or else as what comes of them."""
        encoded = entities.identity(key)
        saved, now = self._saved.get((number, encoded)), entities.encoding.write(encoded, entity)
        if saved is None:
            raise ProtocolError(f"the entity of the key {key!r} was not saved")
        if saved == now:
            return
        again = entities.encoding.write(encoded, entity)
        before, one, other = (entities.encoding.read(_only(data)) for data in (saved, now, again))
        found = difference("entity", before, one)
        if found is not None and difference("entity", one, other) is None:  # else it is another each time it is written
            raise ChangedSince(
                f"an entity of the state {entities.name!r}, that of the key {short_repr(key)}, is not what was saved "
                f"of it: {found.path} was\n  {found.one}, and is now\n  {found.other}, although no step has met the "
                "entity since; let it share nothing that changes with other entities, messages or variables"
            )


def _only(data: bytes) -> Written:
    [written] = read_entities(data)
    return written
