"""The way back to the engine: whole frames, whoever writes them and whenever."""

from __future__ import annotations

import json
import logging
import os
import threading
import unittest

from wallaroo import _protocol as protocol
from wallaroo._answers import Answers, LogHandler
from wallaroo._failures import Site
from wallaroo._letters import Missing, Payload


class Reentrant(Answers):
    """Logs in the middle of a write, as a signal handler or a destructor may."""

    nested = 0

    def _write_frame(self, parts: list[bytes]) -> None:
        super()._write_frame(parts[:1])
        if self.nested < 3:
            self.nested += 1
            self.write([protocol.frame(protocol.READY)])
        super()._write_frame(parts[1:] or [b""])


class Writes(unittest.TestCase):
    def setUp(self) -> None:
        self.reading, writing = os.pipe()
        self.addCleanup(os.close, self.reading)
        self.writing = writing

    def frames(self) -> list[tuple[int, bytes]]:
        os.close(self.writing)
        data = b""
        while piece := os.read(self.reading, 1 << 16):
            data += piece
        return list(protocol.Frames().feed(data))

    def test_a_write_that_comes_in_the_middle_of_another_waits(self) -> None:
        Reentrant(self.writing).write([protocol.frame(protocol.LOG, b"1234")[:6], b"234"])
        kinds = [kind for kind, _ in self.frames()]
        self.assertEqual(kinds, [protocol.LOG, *[protocol.READY] * 3])

    def test_threads_do_not_mix_their_frames(self) -> None:
        answers = Answers(self.writing)
        logger = logging.Logger("threads")
        logger.addHandler(LogHandler(answers))

        def log() -> None:
            for _ in range(50):
                logger.warning("x" * 100)

        threads = [threading.Thread(target=log) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        frames = self.frames()
        self.assertEqual([protocol.read_json(data)["message"] for _, data in frames], ["x" * 100] * 200)


class Failures(unittest.TestCase):
    def failed(self, message: object, max_letter: int) -> dict[str, object]:
        reading, writing = os.pipe()
        answers = Answers(writing)
        answers.max_letter = max_letter
        answers.fail(protocol.Batch(0, 0, (), b"", 0, 0), 0, Site("p/step", len), ValueError("no"), message)
        os.close(writing)
        with open(reading, "rb") as frames:
            [(_, data)] = protocol.Frames().feed(frames.read())
        told: dict[str, object] = json.loads(data[protocol.BODY + 8 :])
        return told

    def test_show_a_message_that_is_not_kept(self) -> None:
        for message, shown in (
            ("a\nb", r"'a\nb'"),
            (Payload(b"\xff"), r"b'\xff'"),
            (Payload(b"x" * 10**7), f"b'{'x' * 195}..."),
            (["x" * 300], f"['{'x' * 195}..."),
            ("x" * 198, f"'{'x' * 198}'"),
            ("x" * 199, f"'{'x' * 196}..."),
        ):
            told = self.failed(message, 0)
            self.assertEqual((told["shown"], told.get("message")), (shown, None))
        self.assertNotIn("shown", self.failed("a", 100))
        told = self.failed(Missing("gone"), 0)
        self.assertEqual((told.get("shown"), told["message_missing"]), (None, "gone"))
        told = self.failed("long" * 100, 100)
        self.assertEqual(told["message_missing"], "it has 400 bytes, and at most 100 are kept")
        self.assertTrue(str(told["shown"]).startswith("'longlong"))


if __name__ == "__main__":
    unittest.main()
