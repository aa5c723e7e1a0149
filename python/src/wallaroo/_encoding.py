"""State entities as bytes that another process can read, now or later.

docs/format/entities.md draws them. They are the same in every frame and in a checkpoint: each stands by itself, so that
it can be kept, sent and read without the others.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ._application import State
from ._failures import explain
from ._function import label_of
from ._keys import key_of
from ._mistakes import UPGRADE, VERSION
from ._pickling import Pickles, plain
from ._protocol import ProtocolError
from ._results import PICKLE, Serializer, WrongResult, in_short, short_repr

MOST_BYTES, MOST_ENTITIES = 1 << 20, 4096  # of a frame, but for its last entity
LARGEST = (1 << 30) - (1 << 21)  # bytes of one entity: a frame to the engine must hold it with the others

_HEAD = struct.Struct("<HHII")  # state, version, bytes of the key, bytes of the value
_REMOVED = (1 << 32) - 1

_WRITE, _READ = "become bytes, as it must to move and to be saved", "be made of its bytes again"


class Stuck(Exception):
    """An entity that cannot become bytes, or be made of them.

    Attributes:
        failure: the name of its state, its key, what it cannot, what was raised, what to do and the user's lines, for
            the engine.
        reason: what was raised, with the user's lines, for people.
    """

    def __init__(self, state: str, key: object, cannot: str, error: BaseException, instead: str) -> None:
        super().__init__(state)
        text, lines = explain(error)
        self.failure: dict[str, object] = {
            "state": state,
            "key": short_repr(key),
            "cannot": cannot,
            "error": text,
            "instead": instead,
            "traceback": lines,
        }
        self.reason = "\n".join(filter(None, (text, lines))) if isinstance(error, WrongResult) else lines or text


class _TooLarge(WrongResult):
    """An entity of too many bytes."""


class Written(NamedTuple):
    """An entity as it was written: the number of its state, the version, its key's canonical bytes, and its value."""

    state: int
    version: int
    key: bytes
    value: bytes


def read_entities(data: bytes, at: int = 0) -> Iterator[Written]:
    """Entities that stand one behind another, from an offset on.

    Raises:
        ProtocolError: the bytes end inside an entity, or one is no more.
    """
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise ProtocolError("an entity that is cut")
        state, version, key, value = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if value == _REMOVED:
            raise ProtocolError("an entity that is no more")
        if at + key + value > len(data):
            raise ProtocolError("an entity that is cut")
        yield Written(state, version, data[at : at + key], data[at + key : at + key + value])
        at += key + value


def pieces(written: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Entities in rows, none of which is too long for a frame."""
    piece: list[bytes] = []
    size = 0
    for entity in written:
        piece.append(entity)
        size += len(entity)
        if len(piece) == MOST_ENTITIES or size >= MOST_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


class Encoding:
    """How the entities of one state become bytes, and are made of them.

    Attributes:
        dumps: gives the value of an entity, without its key. It raises whatever the user's code does.
        loads: makes an entity of such a value. It raises whatever the user's code does.
    """

    dumps: Callable[[object], bytes]
    loads: Callable[[bytes], object]

    def __init__(self, number: int, state: State, serializer: Serializer) -> None:
        """The number is the place of the state in the application's plan."""
        self._number = number
        self._state = state
        self._version = version_of(state.cls)
        self._serializer = serializer
        self.dumps, self.loads = serializer.written, serializer.deserialize
        if serializer is PICKLE:
            self.dumps = serializer.serialize  # which gives bytes
            if plain(state.cls):
                pickles = Pickles()
                self.dumps, self.loads = pickles.dumps, pickles.loads

    def write(self, key: bytes, entity: object) -> bytes:
        """An entity, with its key's canonical bytes.

        Raises:
            Stuck: it cannot become bytes.
        """
        try:
            value = self.dumps(entity)
            if len(value) > LARGEST - len(key):
                raise _TooLarge(f"it has {len(value)} bytes, and at most {LARGEST} are allowed")
        except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
            instead = "let serialize take it"
            if isinstance(error, _TooLarge):
                instead = "let it hold less"
            elif self._serializer is PICKLE:
                instead = "make the state class picklable, or give the application serialize and deserialize"
            raise Stuck(self._state.name, key_of(key), _WRITE, error, instead) from None
        return _HEAD.pack(self._number, self._version, len(key), len(value)) + key + value

    def read(self, written: Written) -> object:
        """The entity that was written, as this version of the application has it.

        Raises:
            Stuck: it cannot be made of its bytes, or be made one of this version.
        """
        instead = "let the class of the entity, and what it holds, be found and filled as when it was written"
        if self._serializer is not PICKLE:
            instead = "let deserialize take what serialize has returned"
        try:
            entity = self.loads(written.value)
            if entity is None:
                raise WrongResult("got None from deserialize; it returns the entity", self._serializer.deserialize)
            if written.version != self._version:
                instead = self._advice(written.version)
                entity = self._upgraded(entity, written.version)
        except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
            raise Stuck(self._state.name, key_of(written.key), _READ, error, instead) from None
        return entity

    def _upgraded(self, entity: object, version: int) -> object:
        """An entity of another version as one of this version."""
        upgrade: Any = getattr(self._state.cls, UPGRADE, None)
        between = f"version {version} of the state class {self._label} wrote it, and this is version {self._version}"
        if upgrade is None:
            older = ", which is older and has no" if version > self._version else ", which has no"
            raise WrongResult(f"{between}{older} {UPGRADE}", self._state.cls)
        try:
            entity = upgrade(entity, version)
        except BaseException as error:
            raise WrongResult(f"{between}, whose {UPGRADE} failed: {in_short(error)}", upgrade) from error
        if entity is None:
            raise WrongResult(f"{between}, whose {UPGRADE} returned None, which is no entity", upgrade)
        return entity

    def _advice(self, version: int) -> str:
        """What to do where an entity cannot be made one of this version."""
        if hasattr(self._state.cls, UPGRADE):
            return f"let {UPGRADE} return the entity as version {self._version} has it"
        give = (
            f"give {self._label} a static method {UPGRADE}(entity, version) that returns the entity as version "
            f"{self._version} has it"
        )
        return f"run an application that has version {version}, or {give}" if version > self._version else give

    @property
    def _label(self) -> str:
        return label_of(self._state.cls)


def version_of(state_class: object) -> int:
    """The version of a state class's entities; 0 if it does not say."""
    version: int = getattr(state_class, VERSION, 0)
    return version
