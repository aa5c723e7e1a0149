"""Which executor owns each partition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ._keys import partition_of


class Owners:
    """The table of an island: islands change tables at different moments, so each has its own.

    Attributes:
        executor: which one this is.
    """

    def __init__(self, executor: int, owners: Sequence[int]) -> None:
        self.executor = executor
        self._owners = list(owners)

    def partition(self, encoded: bytes) -> int:
        """The partition of a key's canonical bytes."""
        return partition_of(encoded, len(self._owners))

    def of(self, partition: int) -> int:
        """The owner of a partition."""
        return self._owners[partition]

    def has(self, partition: int) -> bool:
        """Whether a partition is this executor's."""
        return self._owners[partition] == self.executor

    def move(self, moves: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
        """Give partitions to others; the ones that leave this executor, and those that come to it."""
        leave: list[int] = []
        come: list[int] = []
        for partition, owner in moves:
            had = self.has(partition)
            self._owners[partition] = owner
            if had != self.has(partition):
                (leave if had else come).append(partition)
        return leave, come
