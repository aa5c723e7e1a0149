"""Exchanges: messages for a keyed stage go to the executor that owns their key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ._entities import Entities
from ._keys import partition_of
from ._protocol import Batch
from ._results import Serializer, WrongResult
from ._sink import LARGEST

KNOWN = 1 << 16  # keys of other executors that are remembered, for each stage

Entry = tuple[int, object, object]  # a message that leaves: its index in its batch, its key, its value
Put = Callable[[Entry], None]


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
        away: for keys of other executors, the function that takes a message for them. The generated stage functions
            look here before they ask `find`.
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
        self._boxes: dict[int, list[Entry]] = {
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

    def _send(self, batch: Batch, executor: int, entries: Sequence[Entry]) -> None:
        """Hand on messages as one piece; as several where it would be too long, or where one of them cannot travel."""
        try:
            _, keys, values = zip(*entries, strict=True)
            packed = self._serializer.pack(keys, values)
            if len(packed) > LARGEST:
                raise WrongResult(
                    f"got {len(packed)} bytes; what goes to another executor at once has at most {LARGEST}"
                )
        except Exception as error:  # noqa: BLE001  (reported)
            if len(entries) == 1:
                index, key, _ = entries[0]
                self._outbox.fail(batch, index, self._site, error, key)
                return
            half = len(entries) // 2
            self._send(batch, executor, entries[:half])
            self._send(batch, executor, entries[half:])
            return
        self._outbox.exchange(batch, self._stage, executor, len(keys), packed)


def unpack(serializer: Serializer, batch: Batch) -> tuple[Sequence[object], Sequence[object]]:
    """The keys and the values of messages that came as one piece."""
    return serializer.unpack(memoryview(batch.payload)[batch.start :])
