"""Where in the user's files something is, as FILE:LINE."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import os
import sys
import traceback
from types import CodeType, FrameType

_STANDARD = (os.path.dirname(os.__file__) + os.sep, "<frozen ")
_INSTALLED = tuple(os.path.join(_STANDARD[0], name) for name in ("site-packages", "dist-packages"))
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def is_ours(filename: str) -> bool:
    """Whether a line of code is of this package, of what it generates, or of Python's import system."""
    return filename.startswith((_OURS, "<wallaroo ", "<frozen importlib")) or filename == importlib.__file__


def _is_standard(filename: str) -> bool:
    """Whether a line of code is of Python's standard library; what is installed beside it is not."""
    return filename.startswith(_STANDARD) and not filename.startswith(_INSTALLED)


def user_frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """The frames of an exception that are not ours, and their lines, up to the last line of the user's.

    What the standard library did behind that line tells less than the exception itself.
    """
    frames = [pair for pair in traceback.walk_tb(error.__traceback__) if not is_ours(pair[0].f_code.co_filename)]
    while frames and _is_standard(frames[-1][0].f_code.co_filename):
        frames.pop()
    return frames


def user_stack(frame: FrameType | None) -> traceback.StackSummary:
    """The calls that a frame is in, without ours, the outermost first."""
    frames = [pair for pair in traceback.walk_stack(frame) if not is_ours(pair[0].f_code.co_filename)]
    return traceback.StackSummary.extract(reversed(frames))


def calling() -> str:
    """The line of the user's that called this package."""
    frame = sys._getframe(1)
    while frame.f_back and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def raising(error: BaseException) -> str:
    """The line of the user's that an exception came of; if there is none, the one that called this package."""
    frames = user_frames(error)
    return f"{frames[-1][0].f_code.co_filename}:{frames[-1][1]}" if frames else calling()


def defining(function: object) -> tuple[str, int] | None:
    """The file of a function or a class of the user's, and the line of its ``def`` or ``class``; None if not known."""
    try:
        bare = inspect.unwrap(function)  # type: ignore[arg-type]
        if isinstance(bare, type):
            return str(inspect.getsourcefile(bare)), _below_decorators(bare, inspect.getsourcelines(bare)[1])
        code = bare.__code__
        return code.co_filename, _below_decorators(code, code.co_firstlineno)
    except Exception:  # noqa: BLE001  (it may be anything that can be called)
        return None


@functools.lru_cache(maxsize=1024)
def _below_decorators(defined: type | CodeType, first: int) -> int:
    """The line of ``def`` or ``class``. Python takes that of the first decorator, `first`, for where one begins.

    It is remembered, since a step may fail often.
    """
    try:
        lines = inspect.getsourcelines(defined)[0]
        if not lines[0].lstrip().startswith("@"):
            return first
        [around] = ast.parse("".join(["if True:\n", *(f" {line}" for line in lines)])).body
    except (OSError, TypeError, SyntaxError):  # its file is not there, or another one by now
        return first
    assert isinstance(around, ast.If)
    return first + around.body[0].lineno - 2
