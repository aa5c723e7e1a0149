"""Processes that run side by side, and what they write."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

PATIENCE = 60.0
"""Seconds for what must come. Only what has gone wrong waits so long."""


class Failed(Exception):
    """The example did not go as it should; the message is for whoever runs it."""


class Written:
    """What a process has written to a pipe so far."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._bytes = bytearray()
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            part = os.read(self._pipe.fileno(), 1 << 16)
            with self._changed:
                self._bytes += part
                self._ended = not part
                self._changed.notify_all()
            if not part:
                return

    def wait_until(self, enough: Callable[[bytes], bool]) -> bool:
        """Wait until enough is written; false if the process ends before, or PATIENCE does."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or enough(bytes(self._bytes)), PATIENCE)
            return enough(bytes(self._bytes))

    def so_far(self) -> bytes:
        """Return what has come up to now."""
        with self._changed:
            return bytes(self._bytes)

    def whole(self) -> bytes:
        """Return all of it, when the process has ended."""
        self._thread.join(PATIENCE)
        return bytes(self._bytes)


class Process:
    """A command of wallaroo that runs, with the words that it was started by."""

    def __init__(self, words: Sequence[str], stdin: int = subprocess.DEVNULL) -> None:
        print("$", shlex.join(words), flush=True)
        self.command = f"{os.path.basename(words[0])} {words[1]}"
        self._process = subprocess.Popen(words, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._process.stdout and self._process.stderr
        self.stdout = Written(self._process.stdout)
        self.stderr = Written(self._process.stderr)

    def wait_for(self, pattern: str) -> str:
        """Wait until standard error has a line that the pattern matches, and return what its group holds."""
        expression = re.compile(pattern.encode() + rb".*\n")
        if not self.stderr.wait_until(lambda written: expression.search(written) is not None):
            raise self.failure("does not start")
        match = expression.search(self.stderr.so_far())
        assert match
        return match[1].decode()

    def feed(self, parts: Sequence[bytes], rate: float) -> None:
        """Write to its standard input, so many parts a second, and close that."""
        stdin = self._process.stdin
        assert stdin
        began = time.monotonic()
        try:
            for number, part in enumerate(parts):
                time.sleep(max(0, began + number / rate - time.monotonic()))
                stdin.write(part)
                stdin.flush()
            stdin.close()
        except BrokenPipeError:
            self.wait()
            raise self.failure("ended early") from None

    def end(self) -> None:
        """Ask it to end as Ctrl-C does, and wait until it has, with everything done."""
        self._process.terminate()
        self.wait()

    def wait(self) -> None:
        """Wait until it has ended by itself."""
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise self.failure("does not end") from None
        if code != 0:
            raise self.failure(f"ended with exit code {code}")

    def failure(self, what: str) -> Failed:
        """Make an error of what happened to it and of its log."""
        log = self.stderr.so_far().decode(errors="replace")
        return Failed(f"{self.command} {what}; its log:\n{log}".rstrip())

    def kill(self, deadline: float) -> None:
        """Make sure that it is gone; until the deadline it may end by itself."""
        self._process.terminate()
        try:
            self._process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
