"""State entities as bytes that another process can read.

A piece is how many entities it holds, for the engine, and a row of pickles that share what they have in common, two for
each entity: its state's name and its key, and the entity, or what the application's own `serialize` made of it. So it
is known of each how long it is, and which one cannot be written or read.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Iterable, Iterator

from ._failures import explain
from ._results import PICKLE, Serializer, short_repr

MOST_BYTES, MOST_ENTITIES = 1 << 20, 4096  # of a piece, but for its last entity
LARGEST = (1 << 30) - (1 << 21)  # bytes of one entity: a frame to the engine must hold it with the others of its piece

_COUNT = struct.Struct("<I")

Part = tuple[str, object, object]  # the name of a state, a key, its entity


class Stuck(Exception):
    """An entity that cannot move.

    Attributes:
        failure: the name of its state, its key, what was raised and the user's lines, for the engine.
    """

    def __init__(self, state: str, key: object, error: BaseException) -> None:
        super().__init__(state)
        text, lines = explain(error)
        self.failure: dict[str, object] = {"state": state, "key": short_repr(key), "error": text, "traceback": lines}


def write(serializer: Serializer, parts: Iterable[Part]) -> Iterator[bytes]:
    """Entities as pieces.

    Raises:
        Stuck: one cannot become bytes.
    """
    piece, pickler, count = _new()
    for state, key, entity in parts:
        start = piece.tell()
        try:
            pickler.dump((state, key))
            pickler.dump(entity if serializer is PICKLE else serializer.written(entity))
            if piece.tell() - start > LARGEST:
                raise ValueError(f"it has {piece.tell() - start} bytes; one that moves has at most {LARGEST}")
        except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
            raise Stuck(state, key, error) from None
        count += 1
        if count == MOST_ENTITIES or piece.tell() >= MOST_BYTES:
            yield _whole(piece, count)
            piece, pickler, count = _new()
    if count > 0:
        yield _whole(piece, count)


def _new() -> tuple[io.BytesIO, pickle.Pickler, int]:
    piece = io.BytesIO()
    piece.seek(_COUNT.size)
    return piece, pickle.Pickler(piece, pickle.HIGHEST_PROTOCOL), 0


def _whole(piece: io.BytesIO, count: int) -> bytes:
    piece.getbuffer()[: _COUNT.size] = _COUNT.pack(count)
    return piece.getvalue()


def read(serializer: Serializer, data: bytes) -> Iterator[Part]:
    """The entities of a piece.

    Raises:
        Stuck: one cannot be made of its bytes.
    """
    piece = io.BytesIO(data)
    piece.seek(_COUNT.size)
    unpickler = pickle.Unpickler(piece)
    while piece.tell() < len(data):
        state, key = unpickler.load()
        try:
            entity: object = unpickler.load()
            if serializer is not PICKLE:
                entity = serializer.deserialize(entity)  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
            raise Stuck(state, key, error) from None
        yield state, key, entity
