"""The frames between the engine and an executor's Python process, as bytes: no I/O here.

docs/format/python-protocol.md draws them; docs/format/python-protocol.golden.json holds examples, which the tests of
both languages read.
All integers are little-endian. A frame is ``u32 length`` of what follows, ``u8 kind``, body.
"""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ._letters import Letter

VERSION = 3

# What the engine sends.
HELLO = 1
START = 2
BATCH = 3
SWITCH = 4
LOAD = 5
OPEN = 6
SETTLE = 7
PROBE = 8
REPLAY = 9
MARK = 10
SAVE = 11
RESTORE = 12
CARE = 13

# What the process answers.
PLAN = 65
LOAD_FAILED = 66
READY = 67
OUTPUT = 68
FAILURE = 69
DONE = 70
LOG = 71
EXCHANGE = 72
STATE = 73
STUCK = 74
QUEUED = 75
IMMOVABLE = 76
ALIVE = 77
HUNG = 78
SAVED = 79
NOTED = 80

# The columns of a batch, and their forms.
PAYLOAD = 1
INGEST_TIME = 2
SIZED = 1  # u32 for each message, then the bytes of all
CONSTANT = 2  # one i64 for all messages
PACKED = 3  # pieces of several messages each, which the processes alone can read

_HEADER = struct.Struct("<IB")
CALL_BYTES = 4  # of the number of a call, with which its body begins
_CALL = struct.Struct("<I")
_BATCH = struct.Struct("<IHIB")  # call, stage or sink, count, number of columns
_COLUMN = struct.Struct("<BBI")  # column, form, bytes that follow
_I64 = struct.Struct("<q")
_EXECUTOR = struct.Struct("<H")
_PARTITION = struct.Struct("<I")
_FAILURE = struct.Struct("<II")  # call, index of the message in its batch
_PIECE = struct.Struct("<II")  # messages, bytes
_STATE = struct.Struct("<III")  # call, partition, number of entities
_SWITCH = struct.Struct("<IHI")  # call, island, number of moves
_MOVE = struct.Struct("<IH")  # partition, its owner from now on
_LOAD = struct.Struct("<IHI")  # call, island, partition
_OPEN = struct.Struct("<IHI")  # call, stage, number of partitions
_MARK = struct.Struct("<IH")  # call, island
_SAVE = struct.Struct("<II")  # call, bytes
_SAVED = struct.Struct("<IBII")  # call, whether more is left, microseconds, number of entities
_RESTORE = struct.Struct("<II")  # call, number of entities
_DONE = struct.Struct("<IH")  # call, number of steps
_ENTERED = struct.Struct("<HII")  # step, messages, looks

_SWAP = sys.byteorder == "big"


class ProtocolError(Exception):
    """The bytes that came are not what docs/format/python-protocol.md says; the process can only end."""


class Batch:
    """Messages for one stage, in columns.

    ``payload`` holds, from offset ``start``, the payloads of all messages one after another, and ``sizes`` their
    lengths; or pieces of several messages each, and ``pieces`` how many messages and bytes each has. ``ingest`` is the
    time at which the source read them, in nanoseconds since 1970. ``settles`` says that they come from the queue of a
    partition that is here, although it is shut.
    """

    __slots__ = ("call", "ingest", "payload", "pieces", "settles", "sizes", "stage", "start")

    def __init__(
        self,
        call: int,
        stage: int,
        sizes: Sequence[int],
        payload: bytes,
        start: int,
        ingest: int,
        pieces: Sequence[tuple[int, int]] = (),
        settles: bool = False,
    ) -> None:
        self.call = call
        self.stage = stage
        self.sizes = sizes
        self.payload = payload
        self.start = start
        self.ingest = ingest
        self.pieces = pieces
        self.settles = settles


class Switch(NamedTuple):
    """Another table for an island: ``moves`` are partitions and their owners from now on."""

    call: int
    island: int
    moves: Sequence[tuple[int, int]]


class Load(NamedTuple):
    """State of a partition that has come; ``entities`` are as `_encoding` writes them."""

    call: int
    island: int
    partition: int
    entities: bytes


class Mark(NamedTuple):
    """What has changed on an island since its last mark is to be saved."""

    call: int
    island: int


class Save(NamedTuple):
    """So many bytes, about, of what is to be saved are to be told."""

    call: int
    size: int


class Saved(NamedTuple):
    """Entities that were to be saved, whether more are left, and microseconds spent on those that could not wait."""

    left: bool
    ahead: int
    entities: Sequence[bytes]


class Restore(NamedTuple):
    """State that was saved: a number of entities, which stand in ``data`` from offset ``start`` on."""

    call: int
    number: int
    data: bytes
    start: int


class Replay(NamedTuple):
    """A message to be sent again: ``step`` is the number of a step in the application, sources and sinks counted."""

    call: int
    step: int
    ingest: int
    letter: Letter


class Open(NamedTuple):
    """The queues of these partitions at a stage are no longer shut."""

    call: int
    stage: int
    partitions: Sequence[int]


class Frames:
    """Cuts a stream of bytes into frames: feed what was read, then iterate over what is whole."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (kind, frame) for each whole frame; the body of a frame begins at offset BODY of the bytes yielded."""
        data = self._rest + data if self._rest else data
        start, end = 0, len(data)
        while end - start >= 4:
            size = int.from_bytes(data[start : start + 4], "little")
            if size < 1:
                raise ProtocolError("a frame without a kind")
            if end - start < 4 + size:
                break
            yield data[start + 4], data[start : start + 4 + size]
            start += 4 + size
        self._rest = data[start:]

    def missing(self) -> int:
        """How many bytes the frame that has begun still lacks; 0 when that is not known yet."""
        if len(self._rest) < 4:
            return 0
        return 4 + int.from_bytes(self._rest[:4], "little") - len(self._rest)


BODY = _HEADER.size


def frame(kind: int, *parts: bytes) -> bytes:
    """A whole frame."""
    return _HEADER.pack(1 + sum(map(len, parts)), kind) + b"".join(parts)


def json_frame(kind: int, value: object) -> bytes:
    """A frame whose body is JSON in ASCII, so that a text that is not valid Unicode still gets through."""
    return frame(kind, json.dumps(value).encode("ascii"))


def read_json(data: bytes, at: int = 0) -> dict[str, object]:
    """The JSON body of a frame, or what of it begins at an offset.

    Raises:
        ProtocolError: it is not a JSON object.
    """
    try:
        value = json.loads(data[BODY + at :])
    except ValueError as error:
        raise ProtocolError(f"a body that is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProtocolError("a body that is not a JSON object")
    return value


def read_call(data: bytes) -> int:
    """The number of a call, with which its frame's body begins.

    Raises:
        ProtocolError: it is cut.
    """
    if len(data) < BODY + _CALL.size:
        raise ProtocolError("a call that is cut")
    call: int = _CALL.unpack_from(data, BODY)[0]
    return call


def read_batch(data: bytes) -> Batch:
    """The batch in a BATCH or SETTLE frame.

    Raises:
        ProtocolError: a column is missing, unknown or cut.
    """
    try:
        call, stage, count, columns = _BATCH.unpack_from(data, BODY)
        at = BODY + _BATCH.size
        sizes: Sequence[int] | None = None
        pieces: Sequence[tuple[int, int]] = ()
        payload_at, ingest = 0, 0
        for _ in range(columns):
            column, form, size = _COLUMN.unpack_from(data, at)
            at += _COLUMN.size
            if column == PAYLOAD and form == SIZED:
                sizes = _read_sizes(data, at, count)
                payload_at = at + 4 * count
                if sum(sizes) != size - 4 * count or at + size > len(data):
                    raise ProtocolError("payloads that do not fill their column")
            elif column == PAYLOAD and form == PACKED:
                sizes, pieces = (), _read_pieces(data, at, size, count)
                payload_at = at + 4 + _PIECE.size * len(pieces)
            elif column == INGEST_TIME and form == CONSTANT:
                (ingest,) = _I64.unpack_from(data, at)
            else:
                raise ProtocolError(f"unknown column {column} in form {form}")
            at += size
    except struct.error:
        raise ProtocolError("a batch that is cut") from None
    if sizes is None or at != len(data):
        raise ProtocolError("a batch without payloads, or with more bytes than its columns")
    return Batch(call, stage, sizes, data, payload_at, ingest, pieces, data[4] == SETTLE)


def _read_sizes(data: bytes, at: int, count: int) -> Sequence[int]:
    if at + 4 * count > len(data):
        raise ProtocolError("a column of sizes that is cut")
    sizes = array("I")
    sizes.frombytes(data[at : at + 4 * count])
    if _SWAP:
        sizes.byteswap()
    return sizes


def _read_pieces(data: bytes, at: int, size: int, count: int) -> Sequence[tuple[int, int]]:
    """How the payload of packed messages is cut."""
    (number,) = _CALL.unpack_from(data, at)
    end = at + 4 + _PIECE.size * number
    if end > at + size or at + size > len(data):
        raise ProtocolError("a column of pieces that is cut")
    pieces = list(_PIECE.iter_unpack(data[at + 4 : end]))
    if sum(piece[0] for piece in pieces) != count or sum(piece[1] for piece in pieces) != at + size - end:
        raise ProtocolError("pieces that do not fill their column")
    return pieces


def read_switch(data: bytes) -> Switch:
    """The body of a SWITCH frame.

    Raises:
        ProtocolError: it is cut.
    """
    call, island, rest = _read_list(data, _SWITCH, _MOVE)
    return Switch(call, island, [(partition, owner) for partition, owner in rest])


def read_load(data: bytes) -> Load:
    """The body of a LOAD frame.

    Raises:
        ProtocolError: it is cut.
    """
    if len(data) < BODY + _LOAD.size:
        raise ProtocolError("a load that is cut")
    call, island, partition = _LOAD.unpack_from(data, BODY)
    return Load(call, island, partition, data[BODY + _LOAD.size :])


def read_open(data: bytes) -> Open:
    """The body of an OPEN frame.

    Raises:
        ProtocolError: it is cut.
    """
    call, stage, rest = _read_list(data, _OPEN, _PARTITION)
    return Open(call, stage, [partition for (partition,) in rest])


def read_mark(data: bytes) -> Mark:
    """The body of a MARK frame.

    Raises:
        ProtocolError: it is not as long as it must be.
    """
    return Mark(*_read_whole(data, _MARK))


def read_save(data: bytes) -> Save:
    """The body of a SAVE frame.

    Raises:
        ProtocolError: it is not as long as it must be.
    """
    return Save(*_read_whole(data, _SAVE))


def _read_whole(data: bytes, form: struct.Struct) -> tuple[int, int]:
    if len(data) != BODY + form.size:
        raise ProtocolError("a command that is not as long as it must be")
    call, about = form.unpack_from(data, BODY)
    return call, about


def read_restore(data: bytes) -> Restore:
    """The body of a RESTORE frame.

    Raises:
        ProtocolError: it is cut.
    """
    if len(data) < BODY + _RESTORE.size:
        raise ProtocolError("a restore that is cut")
    call, number = _RESTORE.unpack_from(data, BODY)
    return Restore(call, number, data, BODY + _RESTORE.size)


def read_replay(data: bytes) -> Replay:
    """The body of a REPLAY frame.

    Raises:
        ProtocolError: it is cut, or not what it must be.
    """
    call = read_call(data)
    told = read_json(data, _CALL.size)
    step, ingest = told.get("step"), told.get("ingest")
    message, encoding = told.get("message"), told.get("message_encoding")
    if type(step) is not int or type(ingest) is not int or type(message) is not str or type(encoding) is not str:
        raise ProtocolError("a replay without a step, a time or a message")
    return Replay(call, step, ingest, Letter(message, encoding))


def _read_list(data: bytes, head: struct.Struct, each: struct.Struct) -> tuple[int, int, Iterator[tuple[int, ...]]]:
    """A call, what it is about, and a list of which the head says how long it is."""
    start = BODY + head.size
    if len(data) < start:
        raise ProtocolError("a command that is cut")
    call, about, count = head.unpack_from(data, BODY)
    if len(data) != start + count * each.size:
        raise ProtocolError("a list that is not as long as it says")
    return call, about, each.iter_unpack(data[start:])


def output_frame(call: int, sink: int, sizes: array[int], data: bytes, ingest: int) -> list[bytes]:
    """The parts of an OUTPUT frame, to be written one after another: messages for a sink, from one call."""
    if _SWAP:
        sizes = sizes[:]
        sizes.byteswap()
    column = 4 * len(sizes) + len(data)
    body = _BATCH.size + 2 * _COLUMN.size + _I64.size + column
    head = (
        _HEADER.pack(1 + body, OUTPUT)
        + _BATCH.pack(call, sink, len(sizes), 2)
        + _COLUMN.pack(INGEST_TIME, CONSTANT, _I64.size)
        + _I64.pack(ingest)
        + _COLUMN.pack(PAYLOAD, SIZED, column)
    )
    return [head, sizes.tobytes(), data]


Pieces = Sequence[tuple[int, bytes]]  # of packed messages: how many, and their bytes


def exchange_frame(call: int, stage: int, executor: int, pieces: Pieces, ingest: int) -> list[bytes]:
    """The parts of an EXCHANGE frame: messages for a stage on another executor, from one call."""
    return _packed(EXCHANGE, _EXECUTOR.pack(executor), call, stage, pieces, ingest)


def queued_frame(call: int, stage: int, partition: int, pieces: Pieces, ingest: int) -> list[bytes]:
    """The parts of a QUEUED frame: messages for a stage that met the shut queue of a partition, from one call."""
    return _packed(QUEUED, _PARTITION.pack(partition), call, stage, pieces, ingest)


def _packed(kind: int, target: bytes, call: int, stage: int, pieces: Pieces, ingest: int) -> list[bytes]:
    column = 4 + sum(_PIECE.size + len(data) for _, data in pieces)
    body = len(target) + _BATCH.size + 2 * _COLUMN.size + _I64.size + column
    head = [
        _HEADER.pack(1 + body, kind),
        target,
        _BATCH.pack(call, stage, sum(count for count, _ in pieces), 2),
        _COLUMN.pack(INGEST_TIME, CONSTANT, _I64.size),
        _I64.pack(ingest),
        _COLUMN.pack(PAYLOAD, PACKED, column),
        _CALL.pack(len(pieces)),
        *(_PIECE.pack(count, len(data)) for count, data in pieces),
    ]
    return [b"".join(head), *(data for _, data in pieces)]


def failure_frame(call: int, index: int, failure: dict[str, object]) -> bytes:
    """What user code raised at message ``index`` of the batch of ``call``."""
    return frame(FAILURE, _FAILURE.pack(call, index), json.dumps(failure).encode("ascii"))


def state_frame(call: int, partition: int, entities: Sequence[bytes]) -> list[bytes]:
    """The parts of a STATE frame: entities of a partition that leaves."""
    return _entities(STATE, _STATE.pack(call, partition, len(entities)), entities)


def saved_frame(call: int, saved: Saved) -> list[bytes]:
    """The parts of a SAVED frame."""
    head = _SAVED.pack(call, saved.left, min(saved.ahead, 0xFFFFFFFF), len(saved.entities))
    return _entities(SAVED, head, saved.entities)


def _entities(kind: int, head: bytes, entities: Sequence[bytes]) -> list[bytes]:
    joined = b"".join(entities)
    return [_HEADER.pack(1 + len(head) + len(joined), kind) + head, joined]


def stuck_frame(call: int, failure: dict[str, object]) -> bytes:
    """An entity that cannot become bytes, or be made of them, which ends the executor."""
    return frame(STUCK, _CALL.pack(call), json.dumps(failure).encode("ascii"))


def immovable_frame(call: int, failure: dict[str, object]) -> bytes:
    """An entity that could not leave, if it had to."""
    return frame(IMMOVABLE, _CALL.pack(call), json.dumps(failure).encode("ascii"))


def hung_frame(told: dict[str, object]) -> bytes:
    """A call of user code has taken too long."""
    return frame(HUNG, json.dumps(told).encode("ascii"))


def done_frame(call: int, first: int, entered: Sequence[int], seen: Mapping[int, int]) -> bytes:
    """All of a call is done, and all that came of it is written.

    Args:
        call: which one.
        first: the number of a step in the application, sources and sinks counted.
        entered: how many messages have come to it, and to each that follows it.
        seen: how often the code of a step ran when it was looked, by the step's number.
    """
    steps = {step: count for step, count in enumerate(entered, first) if count}
    counts = [_ENTERED.pack(step, count, seen.get(step, 0)) for step, count in steps.items()]
    counts += [_ENTERED.pack(step, 0, looks) for step, looks in seen.items() if step not in steps]
    return frame(DONE, _DONE.pack(call, len(counts)), *counts)
