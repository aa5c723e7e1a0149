"""The Python process of an executor: carries out the engine's commands, in order. It decides nothing.

The engine starts it; it reads frames from one file descriptor and writes frames to another until the first is closed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, cast

from . import _protocol as protocol
from ._answers import Answers, LogHandler
from ._application import Application
from ._compile import StageFunction, Surroundings, stage_function
from ._entities import Entities
from ._exchange import Exchange, Owners, Stage
from ._failures import user_traceback
from ._load import LoadFailed, Request, load
from ._output import quiet_standard_output, replace_standard_output
from ._plan import plan
from ._results import PICKLE

COMMANDS, ANSWERS = 3, 4  # the file descriptors that the engine gives the process
_READ = 1 << 20


def main() -> None:
    """Run the process until the engine closes its side."""
    for descriptor in (COMMANDS, ANSWERS):
        os.set_inheritable(descriptor, False)
    # These are for the engine, which ends this process when all is done. A handler, unlike SIG_IGN, does not stay with
    # programs that user code starts.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _no_end)
    faulthandler.enable()
    replace_standard_output()
    answers = Answers(ANSWERS)
    handler = LogHandler(answers)
    logging.getLogger().addHandler(handler)
    os.register_at_fork(after_in_child=lambda: _leave_engine(handler))
    try:
        _Executor(answers).run(read_frames(COMMANDS))
    except BrokenPipeError:
        pass  # the engine is gone, and there is nobody to tell
    finally:
        _flush_standard_output()


def _no_end(number: int, frame: object) -> None:
    """The handler of signals that ask for an end."""


def _leave_engine(handler: logging.Handler) -> None:
    """In a child that user code forked: the pipes are its parent's alone."""
    logging.getLogger().removeHandler(handler)
    for descriptor in (COMMANDS, ANSWERS):
        os.close(descriptor)


def read_frames(descriptor: int) -> Iterator[tuple[int, bytes]]:
    """The frames that come by a file descriptor, until its other end is closed."""
    frames = protocol.Frames()
    buffer = memoryview(bytearray(_READ))  # one for all reads: a fresh one of this size costs more than the read
    while count := os.readv(descriptor, (buffer,)):
        chunk = bytes(buffer[:count])
        if frames.missing() > count:  # a long frame is put together once, not piece by piece
            chunk = _fill(descriptor, chunk, frames.missing())
        yield from frames.feed(chunk)


def _fill(descriptor: int, chunk: bytes, size: int) -> bytes:
    """Read on until there are so many bytes, or the other end is closed."""
    pieces, have = [chunk], len(chunk)
    while have < size and (piece := os.read(descriptor, min(_READ, size - have))):
        pieces.append(piece)
        have += len(piece)
    return b"".join(pieces)


class _Executor:
    """What the commands are about: the application, and its stages once they are made."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._application: Application | None = None
        self._serializer = PICKLE
        self._stages: list[StageFunction] = []
        self._exchanges: dict[int, Exchange] = {}

    def run(self, frames: Iterator[tuple[int, bytes]]) -> None:
        """Carry out commands. An application that cannot be loaded is told to the engine and ends them."""
        try:
            for kind, data in frames:
                self._command(kind, data)
        except LoadFailed as failure:
            _flush_standard_output()
            told = {"message": failure.message, "traceback": failure.traceback, "code": failure.code}
            self._answers.write([protocol.json_frame(protocol.LOAD_FAILED, told)])

    def _command(self, kind: int, data: bytes) -> None:
        if kind == protocol.BATCH:
            batch = protocol.read_batch(data)
            self._stages[batch.stage](batch)
            for exchange in self._exchanges.values():
                exchange.flush(batch)
            self._answers.done(batch)
        elif kind == protocol.HELLO:
            self._hello(protocol.read_json(data))
        elif kind == protocol.START and self._application is not None:
            self._start(self._application, protocol.read_json(data))
        else:
            raise protocol.ProtocolError(f"a frame of kind {kind} was not awaited here")

    def _hello(self, request: dict[str, object]) -> None:
        """Load the application and answer with its plan."""
        logging.getLogger().setLevel(cast(int, request["log_level"]))
        with quiet_standard_output() if request["quiet"] else contextlib.nullcontext():
            self._application, self._serializer = load(cast(Request, request))
        self._answers.write([protocol.json_frame(protocol.PLAN, plan(self._application))])

    def _start(self, application: Application, request: dict[str, Any]) -> None:
        """Make the stages, and those of the entities named by the application that are this executor's."""
        owners = Owners(request["executor"], request["owners"])
        stages = [Stage(stage["pipeline"], stage["first"], stage["keyed"]) for stage in request["stages"]]
        entities = {state.name: Entities(state) for state in application.states}
        for name, among in entities.items():
            try:
                among.name_keys(lambda encoded: owners.of(encoded) == owners.executor)
            except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
                raise LoadFailed(f"making the entities of state {name!r} failed:", user_traceback(error)) from None
        for number, stage in enumerate(stages):
            if stage.keyed:
                self._exchanges[number] = self._exchange(application, number, stage, entities, owners)
        around = Surroundings(application, stages, entities, self._exchanges, self._serializer, self._answers)
        self._stages = [stage_function(around, number) for number in range(len(stages))]
        gc.collect()
        gc.freeze()  # what loading made stays; the collector need not walk it again
        _flush_standard_output()
        self._answers.write([protocol.frame(protocol.READY)])

    def _exchange(
        self, application: Application, number: int, stage: Stage, entities: dict[str, Entities], owners: Owners
    ) -> Exchange:
        pipeline = application.pipelines[stage.pipeline]
        step = pipeline.steps[stage.first]
        assert step.state is not None
        site = f"{pipeline.name}/{step.name}"
        return Exchange(number, site, entities[step.state.name], owners, self._serializer, self._answers)


def _flush_standard_output() -> None:
    with contextlib.suppress(OSError, ValueError):  # its reader is gone, or the user closed it
        sys.stdout.flush()
