"""The way back from an executor's process to the engine: results, failures, log records."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from . import _protocol as protocol
from ._care import Noted
from ._failures import Site, failure, user_traceback
from ._letters import Missing, told
from ._results import short_repr


class Answers:
    """Writes frames to the engine. Any thread may: what user code logs in a thread of its own comes this way too.

    Attributes:
        max_letter: how many bytes of a message that fails the engine keeps; 0 if it keeps none.
    """

    def __init__(self, descriptor: int) -> None:
        self.max_letter = 0
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._queue: deque[list[bytes]] = deque()  # frames to be written, in order
        self._writing = False
        self._last: list[bytes] = []  # the last results of a call, which go out with the word that it is done

    def start(self, max_letter: int) -> None:
        """Begin anew: results that wait for the end of their call belong to nobody."""
        self.max_letter = max_letter
        self._last = []

    def write(self, parts: list[bytes]) -> None:
        """Write the parts of one frame, all of it.

        Raises:
            BrokenPipeError: the engine is gone.
        """
        with self._lock:
            self._queue.append(parts)
            if self._writing:
                return  # a signal handler or a destructor that came in between: what it interrupted writes this too
            self._writing = True
            try:
                while self._queue:
                    self._write_frame(self._queue.popleft())
            finally:
                self._writing = False

    def _write_frame(self, parts: list[bytes]) -> None:
        written = os.writev(self._descriptor, parts)
        if written < sum(map(len, parts)):
            rest = memoryview(b"".join(parts))[written:]
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def send(self, batch: protocol.Batch, sink: int, sizes: array[int], data: bytes) -> None:
        """Write results of a batch: sizes of messages for a sink, and their bytes. The last ones wait for `done`."""
        if self._last:
            self.write(self._last)
        self._last = protocol.output_frame(batch.call, sink, sizes, data, batch.ingest)

    def exchange(self, batch: protocol.Batch, stage: int, executor: int, pieces: protocol.Pieces) -> None:
        """Write messages for a stage on another executor."""
        self.write(protocol.exchange_frame(batch.call, stage, executor, pieces, batch.ingest))

    def queued(self, batch: protocol.Batch, stage: int, partition: int, pieces: protocol.Pieces) -> None:
        """Write messages for a stage that met a shut queue."""
        self.write(protocol.queued_frame(batch.call, stage, partition, pieces, batch.ingest))

    def done(self, call: int, first: int, entered: Sequence[int], seen: Mapping[int, int]) -> None:
        """Say that a call is done, behind all that came of it.

        Args:
            call: which one.
            first: the number of a step in the application.
            entered: how many messages have come to it, and to each that follows it.
            seen: how often the code of a step ran when it was looked, by the step's number.
        """
        self.write([*self._last, protocol.done_frame(call, first, entered, seen)])
        self._last = []

    def alive(self) -> None:
        """Say that the process goes on, though nothing else comes of it."""
        self.write([protocol.frame(protocol.ALIVE)])

    def hung(self, told: dict[str, object]) -> None:
        """Say that a call of user code has taken too long."""
        self.write([protocol.hung_frame(told)])

    def noted(self, noted: Noted) -> None:
        """Say which message is about to enter which step."""
        self.write([protocol.json_frame(protocol.NOTED, asdict(noted))])

    def fail(
        self, batch: protocol.Batch, index: int, site: Site, error: BaseException, message: object, *key: object
    ) -> None:
        """Report what a step raised at message ``index`` of a batch, with what entered it and its key if it had one.

        A message that the engine does not keep is shown to people at least, in short.
        """
        fields = failure(site, error, *key)
        if self.max_letter or isinstance(message, Missing):
            fields.update(told(message, self.max_letter))
        if "message" not in fields and not isinstance(message, Missing):
            fields["shown"] = short_repr(message)
        self.write([protocol.failure_frame(batch.call, index, fields)])


class LogHandler(logging.Handler):
    """Hands log records of user code to the engine, which writes them at their level into its own log."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self._answers = answers
        self._quiet = False

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Have what is logged meanwhile go nowhere."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; one that cannot be formatted is told on standard error, as logging does."""
        if self._quiet:
            return
        try:
            fields: dict[str, object] = {
                "level": record.levelno,
                "logger": record.name,
                "message": record.getMessage(),
            }
            if record.exc_info and record.exc_info[1] is not None:
                fields["traceback"] = user_traceback(record.exc_info[1])
            self._answers.write([protocol.json_frame(protocol.LOG, fields)])
        except Exception:  # noqa: BLE001  (as logging's own handlers do)
            self.handleError(record)
