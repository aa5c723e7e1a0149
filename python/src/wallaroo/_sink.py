"""What an encoder gave back, on its way to a sink: many results at a time become sizes and bytes."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Protocol

from ._codec import Framing
from ._failures import Site
from ._letters import Missing
from ._protocol import Batch
from ._results import Limits, WrongResult, encoded

CHUNK = 1 << 15  # bytes of results to gather before they are handed on, when a batch has many
FEWEST, MOST = 16, 1 << 16  # results in a chunk

# Results are looked at many at a time, so that one that is right costs nothing.
_GONE = Missing("what an encoder returned is looked at later, when its message is no longer at hand")


class Outbox(Protocol):
    """Where results and failures go."""

    def send(self, batch: Batch, sink: int, sizes: array[int], data: bytes) -> None:
        """Hand on messages for a sink: their sizes, and their bytes one after another."""

    def fail(self, batch: Batch, index: int, site: Site, error: BaseException, message: object, *key: object) -> None:
        """Report what a step raised at message ``index`` of a batch, with what entered it and its key if it had one."""


class SinkWriter:
    """Hands a pipeline's results to its sink."""

    def __init__(self, outbox: Outbox, sink: int, site: Site, limits: Limits, framing: Framing | None) -> None:
        """Write to `sink`. With a framing each result gets a header; with it, it is what the sink calls a message."""
        self._outbox = outbox
        self._sink = sink
        self._site = site
        self._most = limits.bytes
        self._header = framing.packer() if framing is not None else None
        self._longest = framing.longest if framing is not None else 0

    def flush(self, batch: Batch, results: list[object], before: int, marks: Sequence[int]) -> int:
        """Hand on what the encoder returned for messages of a batch, and empty the list.

        What is not bytes or text, or too much, is looked for here, in many results at once, and not where each of them
        comes about.

        Args:
            batch: the batch.
            results: what the encoder returned, but for None; all that came of a message stands in one list.
            before: how many results of the batch were handed on before these.
            marks: for each message of the batch, how many results the messages before it had.

        Returns:
            How many results of this length make a chunk.
        """
        count = len(results)
        together = joined(results) if self._header is None else joined_in_frames(results, self._header)
        if together is None or len(together[1]) > self._most:
            together = self._one_by_one(batch, results, before, marks)
        sizes, data = together
        if sizes:
            self._outbox.send(batch, self._sink, sizes, data)
        results.clear()
        return max(FEWEST, min(MOST, CHUNK * count // (len(data) + count)))

    def _one_by_one(
        self, batch: Batch, results: list[object], before: int, marks: Sequence[int]
    ) -> tuple[array[int], bytes]:
        """What is good of results; all but the last of them is handed on as soon as it is much."""
        sizes, parts, size = array("I"), list[bytes](), 0
        by_message = groupby(enumerate(results, before), lambda entry: bisect_right(marks, entry[0]) - 1)
        for index, entries in by_message:
            good = list(self._good(batch, index, (result for _, result in entries)))
            total = sum(map(len, good))
            if total > self._most:
                self._outbox.fail(batch, index, self._site, self._too_much(total), _GONE)
                continue
            if size + total > self._most:
                self._outbox.send(batch, self._sink, sizes, b"".join(parts))
                sizes, parts, size = array("I"), [], 0
            sizes.extend(map(len, good))
            parts += good
            size += total
        return sizes, b"".join(parts)

    def _good(self, batch: Batch, index: int, results: Iterator[object]) -> Iterator[bytes]:
        """Those results of a message that are ones; the others are reported."""
        for result in results:
            try:
                yield self._framed(encoded(result))
            except BaseException as error:  # noqa: BLE001  (reported)
                self._outbox.fail(batch, index, self._site, error, _GONE)

    def _framed(self, payload: bytes) -> bytes:
        """A result with its header, if there are headers."""
        if self._header is None:
            return payload
        if len(payload) > self._longest:
            raise WrongResult(
                f"got {len(payload)} bytes; the header that @wallaroo.encoder describes can tell of at most "
                f"{self._longest}: return less, or describe one with more"
            )
        return self._header(len(payload)) + payload

    def _too_much(self, size: int) -> WrongResult:
        return WrongResult(
            f"got {size} bytes for one message; what comes of one for a sink has at most {self._most}: {Limits.HINT}"
        )


def joined(results: list[object]) -> tuple[array[int], bytes] | None:
    """The sizes and the bytes of results, if all of them are text or all are bytes; None if not."""
    try:
        if type(results[0]) is str:
            return _joined_text(results)  # type: ignore[arg-type]
        data = b"".join(results)  # type: ignore[arg-type]
        sizes = array("I", map(len, results))  # type: ignore[arg-type]
    except (TypeError, UnicodeEncodeError):
        return None
    return (sizes, data) if sum(sizes) == len(data) else None  # a memoryview's length need not be that of its bytes


def _joined_text(results: list[str]) -> tuple[array[int], bytes]:
    text = "".join(results)
    data = text.encode("utf-8")
    if len(data) == len(text):
        return array("I", map(len, results)), data
    return array("I", [len(result.encode("utf-8")) for result in results]), data


def joined_in_frames(results: list[object], header: Callable[[int], bytes]) -> tuple[array[int], bytes] | None:
    """As `joined`, with a header before each result; None also if one is too long for it."""
    try:
        payloads: list[Any] = results
        if type(results[0]) is str:
            payloads = list(map(str.encode, payloads))
        lengths = list(map(len, payloads))
        parts = [b""] * (2 * len(lengths))
        parts[::2] = map(header, lengths)
        parts[1::2] = payloads
        data = b"".join(parts)
    except (TypeError, UnicodeEncodeError, struct.error):
        return None
    sizes = array("I", [len(parts[0]) + length for length in lengths])
    return (sizes, data) if sum(sizes) == len(data) else None
