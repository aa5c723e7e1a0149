"""Exchanges: messages for a keyed stage go to the executor that owns their key, or wait for its state to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ._entities import Entities
from ._owners import Owners
from ._protocol import Batch, Pieces, ProtocolError
from ._results import Limits, Serializer, WrongResult

KNOWN = 1 << 16  # keys of other executors that are remembered, for each stage
_TOGETHER = 1 << 20  # bytes of pieces to gather before they are handed on

Entry = tuple[int, object, object]  # a message that leaves: its index in its batch, its key, its value
Put = Callable[[Entry], None]
Find = Callable[[object], tuple[object, "Put | None"]]


@dataclass(frozen=True)
class Stage:
    """A run of a pipeline's steps without an exchange, as the engine cuts them.

    Attributes:
        pipeline: which one.
        first: the step with which it begins; the stage that begins with the decoder has 0 and is not keyed.
        keyed: its messages come with keys, from wherever they are.
        island: the stages of an island share a table of owners, and change it together.
    """

    pipeline: int
    first: int
    keyed: bool
    island: int = 0


class Outbox(Protocol):
    """Where messages go that do not go on here, and failures."""

    def exchange(self, batch: Batch, stage: int, executor: int, pieces: Pieces) -> None:
        """Hand on messages for another executor."""

    def queued(self, batch: Batch, stage: int, partition: int, pieces: Pieces) -> None:
        """Hand on messages for the queue of a partition."""

    def fail(self, batch: Batch, index: int, site: str, error: BaseException, *key: object) -> None:
        """Report what a step raised at message ``index`` of a batch, with the key if there was one."""


class Exchange:
    """The way to a keyed stage.

    Three functions tell where a message goes on: with the entity of its key, which is made if it is not there yet, or
    through a function that takes it. They raise TypeError or ValueError for what cannot be a key, and whatever the
    state class raises. Where the queue of its partition is shut, and where it does not belong, no message meets state.

    Attributes:
        entities: the state of the stage.
        away: for keys of other executors, the function that takes a message for them. The generated stage functions
            look here before they ask `find`. As in `Entities.by_key`, keys are exactly str, int or None.
    """

    def __init__(
        self,
        stage: int,
        site: str,
        entities: Entities,
        owners: Owners,
        serializer: Serializer,
        outbox: Outbox,
        limits: Limits,
    ) -> None:
        self._stage = stage
        self._site = site
        self.entities = entities
        self._owners = owners
        self._serializer = serializer
        self._outbox = outbox
        self._limits = limits
        self._boxes: defaultdict[int, list[Entry]] = defaultdict(list)  # by executor
        self._queues: defaultdict[int, list[Entry]] = defaultdict(list)  # by partition
        self._astray: list[Entry] = []
        self._shut: set[int] = set()
        self.away: dict[object, Put] = {}

    def find(self, key: object) -> tuple[object, Put | None]:
        """Where a message goes on that comes from an earlier stage, by a call."""
        encoded = self.entities.identity(key)
        entity = self.entities.found(key, encoded)
        if entity is not None:
            return entity, None
        partition = self._owners.partition(encoded)
        if self._owners.has(partition):
            return self._here(key, encoded, partition)
        put = self._boxes[self._owners.of(partition)].append
        if type(key) is str or type(key) is int or key is None:
            if len(self.away) >= KNOWN:
                self.away.clear()
            self.away[key] = put
        return None, put

    def arrived(self, key: object) -> tuple[object, Put | None]:
        """Where a message goes on that came to this stage by an edge."""
        encoded = self.entities.identity(key)
        entity = self.entities.found(key, encoded)
        if entity is not None:
            return entity, None
        partition = self._owners.partition(encoded)
        if self._owners.has(partition):
            return self._here(key, encoded, partition)
        return None, self._astray.append

    def settled(self, key: object) -> tuple[object, Put | None]:
        """Where a message goes on that came from the queue of its partition, whose state is here."""
        encoded = self.entities.identity(key)
        partition = self._owners.partition(encoded)
        if self._owners.has(partition):
            return self.entities.entity(key, encoded, partition), None
        return None, self._astray.append

    def _here(self, key: object, encoded: bytes, partition: int) -> tuple[object, Put | None]:
        if partition in self._shut:
            return None, self._queues[partition].append
        return self.entities.entity(key, encoded, partition), None

    def shuts(self, partition: int) -> bool:
        """Whether the queue of a partition is shut."""
        return partition in self._shut

    def switch(self, leave: Iterable[int], come: Iterable[int]) -> None:
        """Go by another table: of the partitions that have come the queues are shut."""
        self._shut.difference_update(leave)
        self._shut.update(come)
        self.away.clear()
        self._boxes.clear()

    def open(self, partition: int) -> None:
        """Open the queue of a partition."""
        self._shut.discard(partition)

    def flush(self, batch: Batch) -> None:
        """Hand on what the messages of a batch put.

        Raises:
            ProtocolError: a message came by an edge that belongs to another executor.
        """
        if self._astray:
            raise ProtocolError(f"a message for stage {self._stage} came whose key {self._astray[0][1]!r} is another's")
        for executor, box in self._boxes.items():
            if box:
                self._send(batch, box, self._outbox.exchange, executor)
                box.clear()
        if self._queues:
            for partition, queue in self._queues.items():
                self._send(batch, queue, self._outbox.queued, partition)
            self._queues.clear()

    def _send(
        self, batch: Batch, entries: Sequence[Entry], hand_on: Callable[[Batch, int, int, Pieces], None], target: int
    ) -> None:
        """Hand on messages as pieces, which the engine may part."""
        pieces: list[tuple[int, bytes]] = []
        size = 0
        for start in range(0, len(entries), self._limits.piece):
            for piece in self._pack(batch, entries[start : start + self._limits.piece]):
                pieces.append(piece)
                size += len(piece[1])
                if size >= _TOGETHER:
                    hand_on(batch, self._stage, target, pieces)
                    pieces, size = [], 0
        if pieces:
            hand_on(batch, self._stage, target, pieces)

    def _pack(self, batch: Batch, entries: Sequence[Entry]) -> Pieces:
        """Messages as one piece; as several where it would be too long, or where one of them cannot travel."""
        try:
            _, keys, values = zip(*entries, strict=True)
            packed = self._serializer.pack(keys, values)
            if len(packed) > self._limits.bytes:
                raise WrongResult(
                    f"got {len(packed)} bytes; a message that goes to another executor has at most "
                    f"{self._limits.bytes}: {Limits.HINT}"
                )
        except Exception as error:  # noqa: BLE001  (reported)
            if len(entries) == 1:
                index, key, _ = entries[0]
                self._outbox.fail(batch, index, self._site, error, key)
                return []
            half = len(entries) // 2
            return [*self._pack(batch, entries[:half]), *self._pack(batch, entries[half:])]
        return [(len(keys), packed)]


def unpack(serializer: Serializer, batch: Batch) -> tuple[Sequence[object], Sequence[object]]:
    """The keys and the values of packed messages.

    Raises:
        ProtocolError: a piece holds more messages than it says, or fewer.
    """
    view, at = memoryview(batch.payload), batch.start
    all_keys: list[object] = []
    all_values: list[object] = []
    for count, size in batch.pieces:
        keys, values = serializer.unpack(view[at : at + size])
        at += size
        if len(keys) != count or len(values) != count:
            raise ProtocolError(f"a piece of {len(keys)} messages that should have {count}")
        if len(batch.pieces) == 1:
            return keys, values
        all_keys += keys
        all_values += values
    return all_keys, all_values
