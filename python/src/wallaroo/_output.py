"""Standard output of an executor's process: it belongs to the user, comes in whole lines, and never costs a message."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator


class _Descriptor(io.RawIOBase):
    """A file descriptor whose reader may go away: what is written then is lost, and nobody is troubled."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor itself."""
        return self._descriptor

    def write(self, data: object) -> int:
        """Write bytes; the count of those written."""
        view = memoryview(data)  # type: ignore[arg-type]
        try:
            return os.write(self._descriptor, view)
        except OSError:
            return view.nbytes


def replace_standard_output() -> None:
    """Make sys.stdout one that writes line by line, also where Python is told not to buffer."""
    old = sys.stdout
    encoding, errors = getattr(old, "encoding", None) or "utf-8", getattr(old, "errors", None) or "replace"
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Descriptor(1)), encoding, errors, line_buffering=True)


@contextlib.contextmanager
def quiet_standard_output() -> Iterator[None]:
    """Have what is printed meanwhile go nowhere."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
