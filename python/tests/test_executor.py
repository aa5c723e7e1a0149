"""The process that carries out commands: it begins anew when it is told to, and keeps nothing of before."""

from __future__ import annotations

import gc
import os
import threading
import unittest
import weakref
from typing import Any, cast

from staging import Count, build, count, whole_word
from wallaroo import _protocol as protocol
from wallaroo._answers import Answers, LogHandler
from wallaroo._encoding import Encoding
from wallaroo._executor import _Executor
from wallaroo._keys import canonical
from wallaroo._output import StandardOutput
from wallaroo._results import PICKLE

START = {
    "executor": 0,
    "owners": [0] * 4,
    "stages": [
        {"pipeline": 0, "first": 0, "keyed": False, "island": 0},
        {"pipeline": 0, "first": 0, "keyed": True, "island": 0},
    ],
    "piece": 8,
    "max_messages": 100,
    "max_bytes": 1000,
    "step_timeout": 60,
    "check_ownership": False,
    "max_letter": 0,
}


class Again(unittest.TestCase):
    def setUp(self) -> None:
        self.application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word))
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        self.addCleanup(os.close, reading)
        self.addCleanup(gc.unfreeze)
        self.reading = reading
        answers = Answers(writing)
        self.executor = _Executor(answers, cast(StandardOutput, None), LogHandler(answers))
        self.executor._application = self.application
        self.frames = protocol.Frames()

    def command(self, kind: int, *body: bytes) -> list[int]:
        """Have a command be carried out; returns the kinds of the answers."""
        self.executor.run(protocol.Frames().feed(protocol.frame(kind, *body)))
        return [kind for kind, _ in self.frames.feed(os.read(self.reading, 1 << 16))]

    def start(self) -> list[int]:
        return self.command(protocol.START, protocol.json_frame(protocol.START, START)[protocol.BODY :])

    def entities(self) -> Any:
        assert self.executor._stages is not None
        return self.executor._stages.entities["c"]

    def restore(self) -> list[int]:
        entity = Encoding(0, self.application.states[0], PICKLE).write(canonical("a"), Count())
        return self.command(protocol.RESTORE, b"\1\0\0\0\1\0\0\0", entity)

    def test_all_of_before_is_dropped(self) -> None:
        self.assertEqual(self.start(), [protocol.READY])
        self.assertEqual(self.restore(), [protocol.DONE])
        kept = weakref.ref(self.entities().found("a", canonical("a")))
        self.assertIsNotNone(kept())
        self.assertEqual(self.start(), [protocol.READY])
        self.assertIsNone(kept())
        self.assertEqual(list(self.entities().items()), [])

    def test_what_waits_for_the_end_of_a_call_belongs_to_nobody(self) -> None:
        self.start()
        self.executor._answers._last = [b"results"]
        self.assertEqual(self.start(), [protocol.READY])
        self.assertEqual(self.restore(), [protocol.DONE])

    def test_the_thread_that_looked_at_it_ends(self) -> None:
        before = set(threading.enumerate())
        self.start()
        [first] = set(threading.enumerate()) - before
        self.start()
        first.join(60)
        self.assertFalse(first.is_alive())
        if self.executor._watch is not None:
            self.executor._watch.stop()

    def test_unknown_commands_end_it(self) -> None:
        self.start()
        with self.assertRaises(protocol.ProtocolError):
            self.command(99, b"\0\0\0\0")


if __name__ == "__main__":
    unittest.main()
