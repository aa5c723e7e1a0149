"""Islands: the stages that share a table of owners, and the state that moves when it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ._encoding import Written, pieces, read_entities
from ._entities import Entities
from ._exchange import Exchange
from ._owners import Owners
from ._protocol import ProtocolError


class Island:
    """The keyed stages of one island, and the entities that their steps share."""

    def __init__(self, owners: Owners, exchanges: Sequence[Exchange], states: Sequence[Entities]) -> None:
        """Make it. The states are those of the whole application, in the order of its plan."""
        self._owners = owners
        self._exchanges = exchanges
        within = {id(exchange.entities) for exchange in exchanges}
        self._states = {number: entities for number, entities in enumerate(states) if id(entities) in within}

    def switch(self, moves: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[bytes]]]:
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

    def _give(self, leave: Sequence[int]) -> Iterator[tuple[int, list[bytes]]]:
        for partition in leave:
            for piece in pieces(entity for entities in self._states.values() for entity in entities.take(partition)):
                yield partition, piece

    def load(self, partition: int, written: bytes) -> None:
        """Take in entities of a partition whose queues are shut.

        Raises:
            Stuck: an entity cannot be made of the bytes.
            ProtocolError: they are not such entities.
        """
        if not all(exchange.shuts(partition) for exchange in self._exchanges):
            raise ProtocolError(f"state of partition {partition}, whose queues are not shut")
        for entity in read_entities(written):
            self._of(entity.state).load(partition, entity)

    def mark(self) -> None:
        """From now on what has changed since the last mark is to be saved."""
        for entities in self._states.values():
            entities.mark()

    def restore(self, written: Written) -> None:
        """Take in an entity that was saved.

        Raises:
            Stuck: it cannot be made of its bytes.
            ProtocolError: it does not belong here, or its queue is shut.
        """
        partition = self._owners.partition(written.key)
        if not self._owners.has(partition):
            raise ProtocolError(f"saved state of partition {partition}, which is another's")
        if any(exchange.shuts(partition) for exchange in self._exchanges):
            raise ProtocolError(f"saved state of partition {partition}, whose queues are shut")
        self._of(written.state).restore(partition, written)

    def has(self, state: int) -> bool:
        """Whether the state of a number is one of the island's."""
        return state in self._states

    def _of(self, state: int) -> Entities:
        if state not in self._states:
            raise ProtocolError(f"an entity of state {state}, which there is not")
        return self._states[state]

    def open(self, exchange: Exchange, partitions: Sequence[int]) -> None:
        """Open the queues of partitions at a stage."""
        for partition in partitions:
            exchange.open(partition)
            sharing = (other for other in self._exchanges if other.entities is exchange.entities)
            if not any(other.shuts(partition) for other in sharing):
                exchange.entities.release(partition)
