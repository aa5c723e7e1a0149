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
from collections.abc import Iterator, Sequence

VERSION = 1

# What the engine sends.
HELLO = 1
START = 2
BATCH = 3

# What the process answers.
PLAN = 65
LOAD_FAILED = 66
READY = 67
OUTPUT = 68
FAILURE = 69
DONE = 70
LOG = 71
EXCHANGE = 72

# The columns of a batch, and their forms.
PAYLOAD = 1
INGEST_TIME = 2
SIZED = 1  # u32 for each message, then the bytes of all
CONSTANT = 2  # one i64 for all messages
PACKED = 3  # all messages as one piece, which the processes alone can read

_HEADER = struct.Struct("<IB")
_CALL = struct.Struct("<I")
_BATCH = struct.Struct("<IHIB")  # call, stage or sink, count, number of columns
_COLUMN = struct.Struct("<BBI")  # column, form, bytes that follow
_I64 = struct.Struct("<q")
_EXECUTOR = struct.Struct("<H")
_FAILURE = struct.Struct("<II")  # call, index of the message in its batch

_SWAP = sys.byteorder == "big"


class ProtocolError(Exception):
    """The bytes that came are not what docs/format/python-protocol.md says; the process can only end."""


class Batch:
    """Messages for one stage, in columns.

    ``payload`` holds the payloads of all messages one after another from offset ``start``, ``sizes`` their lengths, or,
    where ``sizes`` is empty, the messages as one piece; ``ingest`` is the time at which the source read them, in
    nanoseconds since 1970.
    """

    __slots__ = ("call", "ingest", "payload", "sizes", "stage", "start")

    def __init__(self, call: int, stage: int, sizes: Sequence[int], payload: bytes, start: int, ingest: int) -> None:
        self.call = call
        self.stage = stage
        self.sizes = sizes
        self.payload = payload
        self.start = start
        self.ingest = ingest


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


def read_json(data: bytes) -> dict[str, object]:
    """The JSON body of a frame.

    Raises:
        ProtocolError: it is not a JSON object.
    """
    try:
        value = json.loads(data[BODY:])
    except ValueError as error:
        raise ProtocolError(f"a body that is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProtocolError("a body that is not a JSON object")
    return value


def read_batch(data: bytes) -> Batch:
    """The batch in a BATCH frame.

    Raises:
        ProtocolError: a column is missing, unknown or cut.
    """
    try:
        call, stage, count, columns = _BATCH.unpack_from(data, BODY)
        at = BODY + _BATCH.size
        sizes: Sequence[int] | None = None
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
                sizes, payload_at = (), at
            elif column == INGEST_TIME and form == CONSTANT:
                (ingest,) = _I64.unpack_from(data, at)
            else:
                raise ProtocolError(f"unknown column {column} in form {form}")
            at += size
    except struct.error:
        raise ProtocolError("a batch that is cut") from None
    if sizes is None or at != len(data):
        raise ProtocolError("a batch without payloads, or with more bytes than its columns")
    return Batch(call, stage, sizes, data, payload_at, ingest)


def _read_sizes(data: bytes, at: int, count: int) -> Sequence[int]:
    if at + 4 * count > len(data):
        raise ProtocolError("a column of sizes that is cut")
    sizes = array("I")
    sizes.frombytes(data[at : at + 4 * count])
    if _SWAP:
        sizes.byteswap()
    return sizes


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


def exchange_frame(call: int, stage: int, executor: int, count: int, packed: bytes, ingest: int) -> list[bytes]:
    """The parts of an EXCHANGE frame: messages for a stage on another executor, from one call."""
    body = _EXECUTOR.size + _BATCH.size + 2 * _COLUMN.size + _I64.size + len(packed)
    head = (
        _HEADER.pack(1 + body, EXCHANGE)
        + _EXECUTOR.pack(executor)
        + _BATCH.pack(call, stage, count, 2)
        + _COLUMN.pack(INGEST_TIME, CONSTANT, _I64.size)
        + _I64.pack(ingest)
        + _COLUMN.pack(PAYLOAD, PACKED, len(packed))
    )
    return [head, packed]


def failure_frame(call: int, index: int, failure: dict[str, object]) -> bytes:
    """What user code raised at message ``index`` of the batch of ``call``."""
    return frame(FAILURE, _FAILURE.pack(call, index), json.dumps(failure).encode("ascii"))


def done_frame(call: int) -> bytes:
    """All of a call's messages are processed, and all that came of them is written."""
    return frame(DONE, _CALL.pack(call))
