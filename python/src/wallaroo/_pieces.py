"""Messages that come from another process: pieces as values again, and what cannot be read costs its message alone.

A piece is one pickle of all its messages, which makes it cheap; so one value whose own code raises when it is read
would cost all of them. As long as all goes well, neither the sender nor the reader does anything about that. A piece
that cannot be read is taken apart: it is read once more with stand-ins for all that a pickle looks up in modules, so
that no code of the user's runs and nothing raises; then each value is pickled by itself, the stand-ins as what they
stand for, and read by itself. What the values of such a piece shared they share no longer.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

from ._exchange import Outbox
from ._failures import Site
from ._letters import Missing
from ._protocol import Batch, ProtocolError
from ._results import PICKLE, Serializer, WrongResult, in_short

Message = tuple[int, object, object]  # its index in its batch, its key, its value

_UNREADABLE = Missing("it cannot be read in the process that it went to")


class Reader:
    """Reads the messages that come to a keyed stage."""

    def __init__(self, serializer: Serializer, outbox: Outbox, site: Site, producer: Site) -> None:
        """What cannot be read is told as a failure of `site`; `producer` is the step that gave the messages."""
        self._serializer = serializer
        self._outbox = outbox
        self._site = site
        self._producer = producer

    def read(self, batch: Batch) -> tuple[int, Iterator[Message], int]:
        """How many messages a batch has, those that can be read, and how many cannot.

        Raises:
            ProtocolError: a piece holds more messages than it says, or fewer.
        """
        view, at = memoryview(batch.payload), batch.start
        all_keys: list[Sequence[object]] = []
        all_values: list[Sequence[object]] = []
        total = 0
        lost: set[int] = set()
        for count, size in batch.pieces:
            keys, values = self._piece(batch, total, view[at : at + size], lost)
            at += size
            if len(keys) != count or len(values) != count:
                raise ProtocolError(f"a piece of {len(keys)} messages that should have {count}")
            total += count
            all_keys.append(keys)
            all_values.append(values)
        messages = zip(range(total), chain.from_iterable(all_keys), chain.from_iterable(all_values), strict=True)
        if not lost:
            return total, messages, 0
        return total, (message for message in messages if message[0] not in lost), len(lost)

    def _piece(
        self, batch: Batch, first: int, piece: memoryview, lost: set[int]
    ) -> tuple[Sequence[object], Sequence[object]]:
        """The keys and the values of a piece; where a value cannot be read, its index is among the lost."""
        try:
            keys, values = pickle.loads(piece)
            if self._serializer is PICKLE:
                return keys, values
            deserialize = self._serializer.deserialize
        except BaseException as error:  # noqa: BLE001  (raised again by the values that it is of)
            keys, values = taken_apart(piece)
            deserialize = partial(_read_alone, error)
        good: list[object] = []
        for index, (key, value) in enumerate(zip(keys, values, strict=True), first):
            try:
                good.append(deserialize(value))
            except BaseException as error:  # noqa: BLE001  (reported)
                good.append(None)
                lost.add(index)
                self._outbox.fail(batch, index, self._site, self._unreadable(error), _UNREADABLE, key)
        return keys, good

    def _unreadable(self, error: BaseException) -> WrongResult:
        if self._serializer is PICKLE:
            instead = "give what pickle can read again, or define serialize and deserialize"
        else:
            instead = "let deserialize read what serialize returns"
        told = WrongResult(
            f"got a message of {self._producer} that cannot be read in another process ({in_short(error)}): {instead}",
            self._producer.function,
        )
        told.__cause__ = error
        return told


def taken_apart(piece: bytes | memoryview) -> tuple[Sequence[object], Sequence[bytes | None]]:
    """The keys of a piece, which can always be read, and each value as a pickle by itself; None where that fails.

    Raises:
        ProtocolError: it is no piece.
    """
    reader = _Noting(io.BytesIO(piece))
    try:
        keys, values = reader.load()
    except Exception as error:  # noqa: BLE001  (bytes that are no pickle may raise anything)
        raise ProtocolError(f"a piece that cannot be read: {error}") from None
    written = [_written_alone(value) for value in values]
    if all(noted.reached for noted in reader.noted):
        return keys, written
    return keys, [None] * len(keys)  # a call that only changes something, and we do not know what


class _Name(type):
    """A name that a pickle would look up in a module; a class, since only that of a class can be written."""

    where: tuple[str, str]
    noted: list[_Noted]

    def __call__(cls, *args: object) -> _Noted:
        return _Noted(cls.noted, cls, args)


class _Noted:
    """A call that a pickle makes, and what it then does to the result: noted, and written again as it came."""

    def __init__(self, noted: list[_Noted], function: object, args: tuple[object, ...]) -> None:
        noted.append(self)
        self._noted = noted
        self._call = (function, args)
        self._state: object = None
        self._items: list[object] = []
        self._pairs: list[tuple[object, object]] = []
        self.reached = False

    def __call__(self, *args: object) -> _Noted:
        return _Noted(self._noted, self, args)

    def __setstate__(self, state: object) -> None:
        self._state = state

    def append(self, item: object) -> None:
        self._items.append(item)

    def __setitem__(self, key: object, value: object) -> None:
        self._pairs.append((key, value))

    def __reduce__(self) -> Any:
        self.reached = True
        return (*self._call, self._state, iter(self._items), iter(self._pairs))


class _Noting(pickle.Unpickler):
    """Looks nothing up and calls nothing."""

    def __init__(self, data: io.BytesIO) -> None:
        super().__init__(data)
        self.noted: list[_Noted] = []
        self._names: dict[tuple[str, str], _Name] = {}

    def find_class(self, module_name: str, global_name: str) -> _Name:
        where = (module_name, global_name)
        if where not in self._names:
            methods = {"__new__": staticmethod(partial(_note_new, self.noted)), "where": where, "noted": self.noted}
            self._names[where] = _Name(global_name, (), methods)
        return self._names[where]


def _note_new(noted: list[_Noted], cls: type, *args: object, **keywords: object) -> _Noted:
    return _Noted(noted, _new, (cls, args, keywords))


def _new(cls: type, args: tuple[object, ...], keywords: dict[str, object]) -> object:
    """Make an object without its `__init__`, as pickles do."""
    return cls.__new__(cls, *args, **keywords)


class _Writer(pickle.Pickler):
    def persistent_id(self, obj: object) -> tuple[str, str] | None:
        return obj.where if type(obj) is _Name else None


class _Reader(pickle.Unpickler):
    def persistent_load(self, pid: tuple[str, str]) -> object:
        return self.find_class(*pid)


def _written_alone(value: object) -> bytes | None:
    data = io.BytesIO()
    try:
        _Writer(data, pickle.HIGHEST_PROTOCOL).dump(value)
    except Exception:  # noqa: BLE001  (as deep as the value is)
        return None
    return data.getvalue()


def _read_alone(why: BaseException, data: bytes | None) -> object:
    """The value of a pickle by itself; `why` its piece could not be read is raised if there is none."""
    if data is None:
        raise why
    return _Reader(io.BytesIO(data)).load()
