"""The Python process of an executor: reads commands, runs stages, writes results. The engine starts it; it decides nothing.

It reads frames from one file descriptor and writes frames to another, in order, until the first is closed.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

from . import _protocol as protocol
from ._application import Application
from ._compile import StageFunction, stage_function
from ._entities import Entities
from ._failures import summary, user_traceback
from ._load import LoadFailed, Request, load
from ._plan import plan
from ._results import WrongResult, short_repr

_READ = 1 << 20
_CHUNK = 1 << 18  # bytes of results to gather before they are written, when a call has many


class Results:
    """The way back to the engine. Any thread may write: what user code logs in a thread of its own goes here too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, parts: list[bytes]) -> None:
        """Write the parts of one frame, all of it. Raises OSError when the engine is gone."""
        with self._lock:
            written = os.writev(self._descriptor, parts)
            if written < sum(map(len, parts)):
                rest = memoryview(b"".join(parts))[written:]
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]

    # What the generated stage functions call (_compile.Outbox).
    def send(self, batch: protocol.Batch, sink: int, payloads: list[bytes]) -> int:
        """Write messages to a sink and empty the list; returns how many messages of this size make a chunk."""
        parts = protocol.output_frame(batch.call, sink, payloads, batch.ingest)
        self.write(parts)
        count = len(payloads)
        payloads.clear()
        return max(64, min(1 << 16, _CHUNK * count // (len(parts[2]) + count)))

    def fail(self, batch: protocol.Batch, index: int, site: str, error: BaseException, *key: object) -> None:
        """Report what a step raised."""
        failure: dict[str, object] = {
            "step": site,
            "error": str(error) if isinstance(error, WrongResult) else summary(error),
            "traceback": "" if isinstance(error, WrongResult) else user_traceback(error),
        }
        if key:
            failure["key"] = short_repr(key[0])
        self.write([protocol.failure_frame(batch.call, index, failure)])


class LogHandler(logging.Handler):
    """Hands log records of user code to the engine, which writes them at their level into its own log."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self._results = results

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; one that cannot be formatted is told on standard error, as logging does."""
        try:
            fields: dict[str, object] = {"level": record.levelno, "logger": record.name, "message": record.getMessage()}
            if record.exc_info and record.exc_info[1] is not None:
                fields["traceback"] = user_traceback(record.exc_info[1])
            self._results.write([protocol.json_frame(protocol.LOG, fields)])
        except Exception:  # noqa: BLE001
            self.handleError(record)


def main() -> None:
    """Run the process: descriptors 3 and 4 are the engine's, the rest is as any program has it."""
    for descriptor in (3, 4):
        os.set_inheritable(descriptor, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine; it ends this process when all is done
    faulthandler.enable()
    cast(Any, sys.stdout).reconfigure(line_buffering=True, write_through=False)  # whole lines, also where Python is told not to buffer
    results = Results(4)
    logging.getLogger().addHandler(LogHandler(results))
    try:
        _serve(_frames(3), results)
    except (BrokenPipeError, EOFError):
        pass  # the engine is gone, and there is nobody to tell
    finally:
        _flush_standard_output()


def _frames(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """The engine's frames. Ends by EOFError when the engine has closed its side."""
    frames = protocol.Frames()
    while True:
        chunk = os.read(descriptor, _READ)
        if not chunk:
            raise EOFError
        missing = frames.missing()
        if missing > len(chunk):  # a long frame is put together once, not piece by piece
            chunk = _read_rest(descriptor, chunk, missing)
        yield from frames.feed(chunk)


def _read_rest(descriptor: int, chunk: bytes, missing: int) -> bytes:
    pieces, have = [chunk], len(chunk)
    while have < missing:
        piece = os.read(descriptor, max(_READ, missing - have))
        if not piece:
            raise EOFError
        pieces.append(piece)
        have += len(piece)
    return b"".join(pieces)


def _serve(frames: Iterator[tuple[int, bytes]], results: Results) -> None:
    """Carry out the engine's commands, in order."""
    application: Application | None = None
    stages: dict[int, StageFunction] = {}
    for kind, data in frames:
        if kind == protocol.BATCH:
            batch = protocol.read_batch(data)
            stages[batch.stage](batch)
            results.write([protocol.done_frame(batch.call)])
        elif kind == protocol.HELLO:
            application = _hello(protocol.read_json(data), results)
        elif kind == protocol.START and application is not None:
            stages = _start(application, results)
        else:
            raise protocol.ProtocolError(f"a frame of kind {kind} was not awaited here")


def _hello(request: dict[str, object], results: Results) -> Application | None:
    """Load the application and answer with its plan, or with what is wrong."""
    logging.getLogger().setLevel(cast(int, request["log_level"]))
    return _or_failed(lambda: _load(request, results), results)


def _load(request: dict[str, object], results: Results) -> Application:
    application = load(cast(Request, request))
    results.write([protocol.json_frame(protocol.PLAN, plan(application))])
    return application


def _start(application: Application, results: Results) -> dict[int, StageFunction]:
    """Make the stages and the entities of the keys that the application names."""
    return _or_failed(lambda: _stages(application, results), results) or {}


def _stages(application: Application, results: Results) -> dict[int, StageFunction]:
    entities = {state.name: Entities(state) for state in application.states}
    for name, among in entities.items():
        try:
            among.name_keys()
        except BaseException as error:
            raise LoadFailed(f"making the entities of state {name!r} failed:", user_traceback(error)) from None
    stages = {number: stage_function(application, number, entities, results) for number in range(len(application.pipelines))}
    gc.collect()
    gc.freeze()  # what loading made stays; the collector need not walk it again
    _flush_standard_output()
    results.write([protocol.frame(protocol.READY)])
    return stages


def _or_failed(make: Callable[[], Any], results: Results) -> Any:
    try:
        return make()
    except LoadFailed as failure:
        _flush_standard_output()
        told = {"message": failure.message, "traceback": failure.traceback, "code": failure.code}
        results.write([protocol.json_frame(protocol.LOAD_FAILED, told)])
        return None


def _flush_standard_output() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        pass  # its reader is gone, or the user closed it
