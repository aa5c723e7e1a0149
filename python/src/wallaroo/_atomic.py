"""Atomic steps: the entity of a message that fails is put back as it was before."""

from __future__ import annotations

from ._entities import Entities
from ._results import PICKLE, Serializer, WrongResult, describe, in_short


class Keeper:
    """Keeps what the entities of a state were, and puts them back. They are copied as they are when they move."""

    def __init__(self, entities: Entities, serializer: Serializer) -> None:
        self._entities = entities
        self._serializer = serializer

    def keep(self, entity: object) -> bytes:
        """What an entity is now.

        Raises:
            WrongResult: it cannot be copied.
        """
        try:
            return self._entities.encoding.dumps(entity)
        except BaseException as error:
            instead = "make the state class picklable, or define serialize and deserialize"
            if self._serializer is not PICKLE:
                instead = "let serialize take it"
            raise WrongResult(
                f"got the state entity {describe(entity)}, which an atomic step needs a copy of, and there can be none "
                f"({in_short(error)}): {instead}"
            ) from error

    def put_back(self, key: object, kept: bytes, error: BaseException) -> BaseException:
        """Make the entity of a key what it was; returns what to report, which is the error unless that fails too."""
        try:
            self._entities.put_back(key, self._entities.encoding.loads(kept))
        except BaseException as another:  # noqa: BLE001  (told)
            told = WrongResult(f"{in_short(error)}; and the entity cannot be put back as it was ({in_short(another)})")
            told.__cause__ = error
            return told
        return error
