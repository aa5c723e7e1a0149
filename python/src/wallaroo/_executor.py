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
from collections.abc import Iterator, Sequence
from typing import Any, cast

from . import _protocol as protocol
from ._answers import Answers, LogHandler
from ._application import Application
from ._care import Care, read_care
from ._encoding import Stuck
from ._exchange import Stage
from ._load import LoadFailed, Request, load
from ._output import StandardOutput, flush_standard_output
from ._plan import plan
from ._results import PICKLE, Limits, Serializer
from ._stages import Stages
from ._watch import Watch

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
    output = StandardOutput()
    answers = Answers(ANSWERS)
    handler = LogHandler(answers)
    logging.getLogger().addHandler(handler)
    os.register_at_fork(after_in_child=lambda: _leave_engine(handler))
    try:
        _Executor(answers, output, handler).run(read_frames(COMMANDS))
    except BrokenPipeError:
        pass  # the engine is gone, and there is nobody to tell
    finally:
        flush_standard_output()


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

    def __init__(self, answers: Answers, output: StandardOutput, log: LogHandler) -> None:
        self._answers = answers
        self._output = output
        self._log = log
        self._application: Application | None = None
        self._serializer: Serializer = PICKLE
        self._stages: Stages | None = None
        self._watch: Watch | None = None

    def run(self, frames: Iterator[tuple[int, bytes]]) -> None:
        """Carry out commands. An application that cannot be loaded is told to the engine and ends them."""
        try:
            for kind, data in frames:
                self._command(kind, data)
        except LoadFailed as failure:
            flush_standard_output()
            told = {"message": failure.message, "traceback": failure.traceback, "code": failure.code}
            self._answers.write([protocol.json_frame(protocol.LOAD_FAILED, told)])

    def _command(self, kind: int, data: bytes) -> None:
        if kind == protocol.START and self._application is not None:
            self._start(self._application, protocol.read_json(data))
        elif self._stages is not None:
            self._call(self._stages, kind, data)
        elif kind == protocol.HELLO:
            self._hello(protocol.read_json(data))
        else:
            raise protocol.ProtocolError(f"a frame of kind {kind} was not awaited here")

    def _call(self, stages: Stages, kind: int, data: bytes) -> None:
        """Carry out a call. That an entity cannot become bytes, or be made of them, is told to the engine."""
        call = protocol.read_call(data)
        if self._watch is not None:
            self._watch.call = data  # an object of its own for each call
        first = 0
        entered: Sequence[int] = ()
        try:
            if kind in (protocol.BATCH, protocol.SETTLE):
                first, entered = stages.process(protocol.read_batch(data))
            elif kind == protocol.REPLAY:
                first, entered = stages.replay(protocol.read_replay(data))
            else:
                self._keep_state(stages, kind, call, data)
        except Stuck as stuck:
            self._answers.write([protocol.stuck_frame(call, stuck.failure)])
        else:
            self._answers.done(call, first, entered, self._watch.seen() if self._watch is not None else {})
        finally:
            if self._watch is not None:
                self._watch.call = None

    def _keep_state(self, stages: Stages, kind: int, call: int, data: bytes) -> None:
        """Carry out a call that is about state, and not about messages."""
        if kind == protocol.SWITCH:
            for partition, entities in stages.switch(protocol.read_switch(data)):
                self._answers.write(protocol.state_frame(call, partition, entities))
        elif kind == protocol.LOAD:
            stages.load(protocol.read_load(data))
        elif kind == protocol.OPEN:
            stages.open(protocol.read_open(data))
        elif kind == protocol.PROBE:
            for failure in stages.probe():
                self._answers.write([protocol.immovable_frame(call, failure)])
        elif kind == protocol.MARK:
            stages.mark(protocol.read_mark(data))
        elif kind == protocol.SAVE:
            for saved in stages.save(protocol.read_save(data)):
                self._answers.write(protocol.saved_frame(call, saved))
        elif kind == protocol.RESTORE:
            stages.restore(protocol.read_restore(data))
        elif kind == protocol.CARE:
            skips = read_care(data)
            stages.take_care(None if skips is None else Care(self._answers.noted, skips))
        else:
            raise protocol.ProtocolError(f"a frame of kind {kind} was not awaited here")

    def _hello(self, request: dict[str, object]) -> None:
        """Load the application and answer with its plan."""
        logging.getLogger().setLevel(cast(int, request["log_level"]))
        with contextlib.ExitStack() as stack:
            if request["quiet"]:  # another process loads the application too, and is heard
                stack.enter_context(self._output.quiet())
                stack.enter_context(self._log.quiet())
            self._application, self._serializer = load(cast(Request, request))
        self._answers.write([protocol.json_frame(protocol.PLAN, plan(self._application))])

    def _start(self, application: Application, request: dict[str, Any]) -> None:
        """Make the stages, and those of the entities named by the application that are this executor's.

        Those of before are dropped, with all that is in them.
        """
        self._drop()
        self._answers.start(request["max_letter"])
        self._stages = Stages(
            application,
            [Stage(**stage) for stage in request["stages"]],
            (request["executor"], request["owners"]),
            self._serializer,
            Limits(request["max_messages"], request["max_bytes"], request["piece"]),
            self._answers,
            check_ownership=request["check_ownership"],
        )
        self._watch = Watch(self._answers, self._stages.sites, self._stages.steps, request["step_timeout"])
        gc.collect()
        gc.freeze()  # what loading made stays; the collector need not walk it again
        flush_standard_output()
        self._answers.write([protocol.frame(protocol.READY)])

    def _drop(self) -> None:
        """Drop the stages, if there are any, so that their memory is free before there are others."""
        if self._watch is not None:
            self._watch.stop()
        if self._stages is not None:
            self._stages = self._watch = None
            gc.unfreeze()  # what was frozen refers to them
            gc.collect()
