"""Islands: the stages that share a table of owners, and the state that moves when it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ._entities import Entities
from ._exchange import Exchange
from ._owners import Owners
from ._protocol import ProtocolError
from ._results import Serializer
from ._state import read, write


class Island:
    """The keyed stages of one island, and the entities that their steps share."""

    def __init__(self, owners: Owners, exchanges: Sequence[Exchange], serializer: Serializer) -> None:
        self._owners = owners
        self._exchanges = exchanges
        self._states: Mapping[str, Entities] = {exchange.entities.name: exchange.entities for exchange in exchanges}
        self._serializer = serializer

    def switch(self, moves: Sequence[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
        """Go by another table. Yields the entities of each partition that leaves, which are no longer here.

        Raises:
            Stuck: an entity cannot become bytes.
        """
        leave, come = self._owners.move(moves)
        for exchange in self._exchanges:
            exchange.switch(leave, come)
        for entities in self._states.values():
            for partition in come:
                entities.hold(partition)
        return self._give(leave)

    def _give(self, leave: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for partition in leave:
            parts = [(name, *pair) for name, entities in self._states.items() for pair in entities.take(partition)]
            for piece in write(self._serializer, parts):
                yield partition, piece

    def load(self, partition: int, piece: bytes) -> None:
        """Take in entities of a partition whose queues are shut.

        Raises:
            Stuck: an entity cannot be made of the bytes.
        """
        if not all(exchange.shuts(partition) for exchange in self._exchanges):
            raise ProtocolError(f"state of partition {partition}, whose queues are not shut")
        for name, key, entity in read(self._serializer, piece):
            self._states[name].load(partition, key, entity)

    def open(self, exchange: Exchange, partitions: Sequence[int]) -> None:
        """Open the queues of partitions at a stage."""
        for partition in partitions:
            exchange.open(partition)
            sharing = (other for other in self._exchanges if other.entities is exchange.entities)
            if not any(other.shuts(partition) for other in sharing):
                exchange.entities.release(partition)
