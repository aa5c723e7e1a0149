"""Standard output of an executor's process: it belongs to the user, comes in whole lines, and never costs a message."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator


class _Descriptor(io.RawIOBase):
    """A file descriptor whose reader may go away: what is written then is lost, and nobody is troubled.

    Attributes:
        quiet: what is written goes nowhere.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.quiet = False

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor itself."""
        return self._descriptor

    def write(self, data: object) -> int:
        """Write bytes; the count of those written."""
        view = memoryview(data)  # type: ignore[arg-type]
        if self.quiet:
            return view.nbytes
        try:
            return os.write(self._descriptor, view)
        except OSError:
            return view.nbytes


class StandardOutput:
    """Makes sys.stdout and sys.stderr write line by line, also where Python is told not to buffer."""

    def __init__(self) -> None:
        self._descriptors = _Descriptor(1), _Descriptor(2)
        sys.stdout = _by_line(sys.stdout, self._descriptors[0])
        sys.stderr = _by_line(sys.stderr, self._descriptors[1])

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Have what is written meanwhile go nowhere. Who keeps sys.stdout meanwhile, as loggers do, is heard later."""
        for descriptor in self._descriptors:
            descriptor.quiet = True
        try:
            yield
        finally:
            flush_standard_output()
            for descriptor in self._descriptors:
                descriptor.quiet = False


def flush_standard_output() -> None:
    """Write what is left of lines that have not ended."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(
            OSError, ValueError, AttributeError
        ):  # the user closed it, or put something else there
            stream.flush()


def _by_line(old: object, descriptor: _Descriptor) -> io.TextIOWrapper:
    encoding, errors = getattr(old, "encoding", None) or "utf-8", getattr(old, "errors", None) or "replace"
    return io.TextIOWrapper(io.BufferedWriter(descriptor), encoding, errors, line_buffering=True)
