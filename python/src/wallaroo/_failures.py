"""Exceptions of user code as text: the user's own lines, none of ours."""

from __future__ import annotations

import os
import traceback

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LINES = 40
_CHARACTERS = 8000


def summary(error: BaseException) -> str:
    """The last line of a traceback: the type and the text of an exception."""
    lines = traceback.TracebackException(type(error), error, None).format_exception_only()
    return "".join(lines).rstrip("\n")


def user_traceback(error: BaseException) -> str:
    """The traceback of an exception without the frames of this package and of the import system, at most a screen.

    Where nothing of the user's is on the stack, the type and the text of the exception remain.
    """
    told = traceback.TracebackException.from_exception(error)
    _prune(told, set())
    lines = "".join(told.format()).rstrip("\n").split("\n")
    if len(lines) > _LINES:
        half = _LINES // 2
        lines = [*lines[:half], f"  ... {len(lines) - 2 * half} lines left out ...", *lines[-half:]]
    text = "\n".join(lines)
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS // 2] + "\n  ...\n" + text[-_CHARACTERS // 2 :]


def _prune(told: traceback.TracebackException, seen: set[int]) -> None:
    """Take our frames out of an exception, of its causes and of the members of its group."""
    if id(told) in seen:
        return
    seen.add(id(told))
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if not _is_ours(frame.filename)])
    for other in (told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())):
        if other is not None:
            _prune(other, seen)


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<wallaroo ", "<frozen importlib", "<frozen runpy"))
