"""What an encoder gave back, on its way to a sink: many results at a time become sizes and bytes."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from ._protocol import Batch
from ._results import WrongResult, encoded

CHUNK = 1 << 15  # bytes of results to gather before they are handed on, when a batch has many
FEWEST, MOST = 16, 1 << 16  # results in a chunk
LARGEST = 1 << 28  # bytes of one result, or of what is handed on at once


class Outbox(Protocol):
    """Where results and failures go."""

    def send(self, batch: Batch, sink: int, sizes: array[int], data: bytes) -> None:
        """Hand on messages for a sink: their sizes, and their bytes one after another."""

    def fail(self, batch: Batch, index: int, site: str, error: BaseException, *key: object) -> None:
        """Report what a step raised at message ``index`` of a batch, with the key if there was one."""


class SinkWriter:
    """Hands a pipeline's results to its sink."""

    def __init__(self, outbox: Outbox, sink: int, site: str) -> None:
        self._outbox = outbox
        self._sink = sink
        self._site = site

    def flush(self, batch: Batch, results: list[object], before: int, marks: Sequence[int]) -> int:
        """Hand on what the encoder returned for messages of a batch, and empty the list.

        What is not bytes or text is looked for here, in many results at once, and not where each of them comes about.

        Args:
            batch: the batch.
            results: what the encoder returned, but for None.
            before: how many results of the batch were handed on before these.
            marks: for each message of the batch, how many results the messages before it had.

        Returns:
            How many results of this length make a chunk.
        """
        count, size = len(results), 0
        together = joined(results)
        if together is not None and len(together[1]) <= LARGEST:
            self._outbox.send(batch, self._sink, *together)
            size = len(together[1])
        else:
            for position, result in enumerate(results, before):
                size += self._send_one(batch, result, bisect_right(marks, position) - 1)
        results.clear()
        return max(FEWEST, min(MOST, CHUNK * count // (size + count)))

    def _send_one(self, batch: Batch, result: object, index: int) -> int:
        """Hand on one result, if it is one; its size."""
        try:
            data = encoded(result)
            if len(data) > LARGEST:
                raise WrongResult(f"got {len(data)} bytes; a message to a sink has at most {LARGEST}")
        except Exception as error:  # noqa: BLE001  (reported)
            self._outbox.fail(batch, index, self._site, error)
            return 0
        self._outbox.send(batch, self._sink, array("I", [len(data)]), data)
        return len(data)


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
