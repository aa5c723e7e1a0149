"""Exceptions of user code as text: the user's own lines, none of ours, at most a screen."""

from __future__ import annotations

import importlib
import os
import traceback
from types import TracebackType

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_FRAMES = 30  # of one exception, the last ones
_LINKS = 4  # of a chain of causes, the last ones
_CHARACTERS = 8000
_SUMMARY = 1000

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n"


def summary(error: BaseException) -> str:
    """The type and the text of an exception, without the place."""
    return _cut(_last_lines(error), _SUMMARY)


def user_traceback(error: BaseException) -> str:
    """The traceback of an exception without the frames of this package and of the import system.

    Where nothing of the user's is on the stack, the type and the text of the exception remain. Of a long chain of
    causes the last links are told; formatting all of it could take longer than the step that raised.
    """
    told: list[str] = []
    link: BaseException | None = error
    while link is not None and len(told) < 2 * _LINKS:
        told.append(_one(link))
        if link.__cause__ is not None:
            link = link.__cause__
            told.append(_CAUSE)
        elif link.__context__ is not None and not link.__suppress_context__:
            link = link.__context__
            told.append(_CONTEXT)
        else:
            link = None
    return _cut("\n".join(reversed(told)).lstrip("\n"), _CHARACTERS)


def _one(error: BaseException) -> str:
    """The traceback of one exception, without what it came from."""
    frames = [frame for frame in traceback.extract_tb(_tail(error.__traceback__)) if not _is_ours(frame.filename)]
    head = "Traceback (most recent call last):\n" if frames else ""
    return head + "".join(traceback.format_list(frames)) + _last_lines(error)


def _tail(frames: TracebackType | None) -> TracebackType | None:
    """The last frames of a stack, which may be a thousand deep."""
    tail, count = frames, 0
    while frames is not None:
        frames = frames.tb_next
        count += 1
        if count > _FRAMES and tail is not None:
            tail = tail.tb_next
    return tail


def _last_lines(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception_only(type(error), error)).rstrip("\n")
    except Exception:  # noqa: BLE001  (its text is the user's code)
        return f"{type(error).__name__}: <its text cannot be made>"


def _cut(text: str, most: int) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}\n  ... {len(text) - 2 * half} characters ...\n{text[-half:]}"


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<wallaroo ", "<frozen importlib")) or filename == importlib.__file__
