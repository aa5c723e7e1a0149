"""Exchanges: messages for a keyed stage go to the executor that owns their key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ._entities import Entities
from ._keys import partition_of
from ._protocol import Batch
from ._results import Serializer

KNOWN = 1 << 16  # keys of other executors that are remembered, for each stage

Put = Callable[[tuple[int, object, object]], None]


@dataclass(frozen=True)
class Stage:
    """A run of a pipeline's steps without an exchange, as the engine cuts them.

    Attributes:
        pipeline: which one.
        first: the step with which it begins; the stage that begins with the decoder has 0 and is not keyed.
        keyed: its messages come with keys, from wherever they are.
    """

    pipeline: int
    first: int
    keyed: bool


@dataclass(frozen=True)
class Owners:
    """Which executor owns each partition, and which one this is."""

    executor: int
    owners: Sequence[int]

    def of(self, encoded: bytes) -> int:
        """The owner of a key's canonical bytes."""
        return self.owners[partition_of(encoded, len(self.owners))]


class Outbox(Protocol):
    """Where messages for other executors go, and failures."""

    def exchange(self, batch: Batch, stage: int, executor: int, count: int, packed: bytes) -> None:
        """Hand on messages as one piece."""

    def fail(self, batch: Batch, index: int, site: str, error: BaseException, *key: object) -> None:
        """Report what a step raised at message ``index`` of a batch, with the key if there was one."""


class Exchange:
    """The way to a keyed stage.

    Attributes:
        away: for keys of other executors, the function that takes a message for them: index in its batch, key, value.
            The generated stage functions look here before they ask `find`.
    """

    def __init__(
        self, stage: int, site: str, entities: Entities, owners: Owners, serializer: Serializer, outbox: Outbox
    ) -> None:
        self._stage = stage
        self._site = site
        self._entities = entities
        self._owners = owners
        self._serializer = serializer
        self._outbox = outbox
        self._boxes: dict[int, list[tuple[int, object, object]]] = {
            executor: [] for executor in set(owners.owners) if executor != owners.executor
        }
        self.away: dict[object, Put] = {}

    def find(self, key: object) -> tuple[object, Put | None]:
        """The entity of a key that is this executor's, or the function that takes its messages.

        Raises:
            TypeError, ValueError: what came cannot be a key.
            Exception: whatever the state class raises.
        """
        owner = self._owners.of(self._entities.identity(key))
        if owner == self._owners.executor:
            return self._entities.entity(key), None
        put = self._boxes[owner].append
        if type(key) is str or key is None:
            if len(self.away) >= KNOWN:
                self.away.clear()
            self.away[key] = put
        return None, put

    def flush(self, batch: Batch) -> None:
        """Hand on what the messages of a batch put."""
        for executor, box in self._boxes.items():
            if box:
                self._send(batch, executor, box)
                box.clear()

    def _send(self, batch: Batch, executor: int, box: list[tuple[int, object, object]]) -> None:
        try:
            _, keys, values = zip(*box, strict=True)
            packed = self._serializer.pack(keys, values)
        except Exception:  # noqa: BLE001  (found out one by one)
            good = [entry for entry in box if self._can_travel(batch, *entry)]
            if not good:
                return
            _, keys, values = zip(*good, strict=True)
            packed = self._serializer.pack(keys, values)
        self._outbox.exchange(batch, self._stage, executor, len(keys), packed)

    def _can_travel(self, batch: Batch, index: int, key: object, value: object) -> bool:
        try:
            self._serializer.pack((key,), (value,))
        except Exception as error:  # noqa: BLE001  (reported)
            self._outbox.fail(batch, index, self._site, error, key)
            return False
        return True


def unpack(serializer: Serializer, batch: Batch) -> tuple[Sequence[object], Sequence[object]]:
    """The keys and the values of messages that came as one piece."""
    return serializer.unpack(memoryview(batch.payload)[batch.start :])
