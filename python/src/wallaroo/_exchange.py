"""Exchanges: messages for a keyed stage go to the executor that owns their key, or wait for its state to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ._entities import Entities, Place
from ._failures import Site
from ._owners import Owners
from ._protocol import Batch, Pieces, ProtocolError
from ._results import PICKLE, Limits, Serializer, WrongResult, describe, in_short

KNOWN = 1 << 16  # keys of other executors that are remembered, for each stage
_TOGETHER = 1 << 20  # bytes of pieces to gather before they are handed on

Entry = tuple[int, object, object]  # a message that leaves: its index in its batch, its key, its value
Put = Callable[[Entry], None]
Find = Callable[[object, Place], tuple[object, "Put | None"]]


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

    def fail(self, batch: Batch, index: int, site: Site, error: BaseException, message: object, *key: object) -> None:
        """Report what a step raised at message ``index`` of a batch, with what entered it and its key if it had one."""


class Exchange:
    """The way to a keyed stage.

    Three functions tell where a message goes on: with the entity of its key, which is made if it is not there yet, or
    through a function that takes it. They raise WrongKey for what cannot be a key, whatever the state class
    raises, and Stuck if the entity is to be saved first and cannot become bytes. Where the queue of its partition is
    shut, and where it does not belong, no message meets state.

    Attributes:
        entities: the state of the stage.
        away: by the places that keys of other executors would have, the function that takes a message for them. The
            generated stage functions look here before they ask `find`.
    """

    def __init__(
        self,
        stage: int,
        site: Site,
        producer: Site,
        entities: Entities,
        owners: Owners,
        serializer: Serializer,
        outbox: Outbox,
        limits: Limits,
    ) -> None:
        """Messages for `stage` come from the step `producer`; those that cannot go there are failures of `site`."""
        self._stage = stage
        self._site = site
        self._producer = producer
        self.entities = entities
        self._owners = owners
        self._serializer = serializer
        self._outbox = outbox
        self._limits = limits
        self._boxes: defaultdict[int, list[Entry]] = defaultdict(list)  # by executor
        self._queues: defaultdict[int, list[Entry]] = defaultdict(list)  # by partition
        self._astray: list[Entry] = []
        self._shut: set[int] = set()
        self.away: dict[Place, Put] = {}

    def find(self, key: object, place: Place) -> tuple[object, Put | None]:
        """Where a message goes on that comes from an earlier stage, by a call."""
        entity = self.entities.back(place)
        if entity is not None:
            return entity, None
        encoded = self.entities.identity(key)
        partition = self._owners.partition(encoded)
        if self._owners.has(partition):
            return self._here(key, encoded, partition)
        put = self._boxes[self._owners.of(partition)].append
        if len(self.away) >= KNOWN:
            self.away.clear()
        self.away[place] = put
        return None, put

    def arrived(self, key: object, place: Place) -> tuple[object, Put | None]:
        """Where a message goes on that came to this stage by an edge."""
        entity = self.entities.back(place)
        if entity is not None:
            return entity, None
        encoded = self.entities.identity(key)
        partition = self._owners.partition(encoded)
        if self._owners.has(partition):
            return self._here(key, encoded, partition)
        return None, self._astray.append

    def settled(self, key: object, place: Place) -> tuple[object, Put | None]:
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
        reason: object
        try:
            _, keys, values = zip(*entries, strict=True)
            packed = self._serializer.pack(keys, values)
            if len(packed) <= self._limits.bytes:
                return [(len(keys), packed)]
            reason = len(packed)
        except BaseException as error:  # noqa: BLE001  (reported)
            reason = error
        if len(entries) == 1:
            index, key, value = entries[0]
            self._outbox.fail(batch, index, self._site, self._stays(value, reason), value, key)
            return []
        half = len(entries) // 2
        return [*self._pack(batch, entries[:half]), *self._pack(batch, entries[half:])]

    def _stays(self, value: object, reason: object) -> WrongResult:
        """Why a message cannot go to another executor: what writing it raised, or how long it is."""
        if not isinstance(reason, BaseException):
            why = f"it has {reason} bytes, and at most {self._limits.bytes} are allowed: {Limits.HINT}"
            return WrongResult(self._told(value, why), self._producer.function)
        if isinstance(reason, WrongResult):
            return reason
        instead = ": give what pickle can write, or define serialize and deserialize"
        why = in_short(reason) + (instead if self._serializer is PICKLE else "")
        told = WrongResult(self._told(value, why), self._producer.function)
        told.__cause__ = reason
        return told

    def _told(self, value: object, why: str) -> str:
        return f"got {describe(value)} of {self._producer}, which cannot go to another executor; {why}"
