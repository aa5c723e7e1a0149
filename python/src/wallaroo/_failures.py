"""Exceptions of user code as text: the user's own lines, none of ours, at most a screen."""

from __future__ import annotations

import traceback
from types import FrameType

from ._places import defining, user_frames
from ._results import WrongResult, short_repr

_FIRST, _FRAMES = 3, 12  # calls of one exception, the first ones and the last ones
_TEXT = 8  # lines of an exception's text, the first ones and as many of the last ones
_LINES = 48  # of a traceback, with the last links of a chain of causes
_CHARACTERS = 5000
_SUMMARY = 1000

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n"


class Site(str):
    """Whose code runs, as the log tells it, with the user's function that runs there.

    Attributes:
        step: the identity of the step.
        finding: it is not the step itself, but finds the key of its messages.
    """

    function: object
    step: str
    finding: bool

    def __new__(cls, identity: str, function: object) -> Site:
        """That of a step, whose identity is the str itself."""
        site = super().__new__(cls, identity)
        site.function = function
        site.step, site.finding = identity, False
        return site

    def key(self, function: object) -> Site:
        """That of the function that finds the key of the step's messages."""
        site = Site(f"{self} key", function)
        site.step, site.finding = self.step, True
        return site


def failure(site: Site, error: BaseException, *key: object) -> dict[str, object]:
    """A failure as the engine is told of it; the key is left out where there is none."""
    text, lines = explain(error, site.function)
    told: dict[str, object] = {"step": site.step, "error": text, "traceback": lines}
    if site.finding:
        told["finding_key"] = True
    if key:
        told["key"] = short_repr(key[0])
    return told


def explain(error: BaseException, function: object = None) -> tuple[str, str]:
    """What is wrong, and the lines of the user's files that belong to it.

    They are the traceback; of a wrong result, which no line of the user's raised, they say where the function is
    defined that gave it, and then the traceback of what it came of, if that was in code of the user's.
    """
    if not isinstance(error, WrongResult):
        return summary(error), user_traceback(error)
    lines = [definition(error.function or function)]
    if error.__cause__ is not None and user_frames(error.__cause__):
        lines.append(user_traceback(error.__cause__))
    return str(error), "\n".join(filter(None, lines))


def summary(error: BaseException) -> str:
    """The type and the text of an exception, without the place."""
    return _cut(_last_lines(error), _SUMMARY)


def definition(function: object) -> str:
    """Where a function or a class of the user's is defined, as a traceback tells a line; "" where that is not known."""
    place = defining(function)
    if place is None:
        return ""
    frame = traceback.FrameSummary(*place, getattr(function, "__name__", ""))
    return "".join(traceback.format_list([frame])).rstrip("\n")


def user_traceback(error: BaseException) -> str:
    """The traceback of an exception without the frames of this package and of the import system, at most a screen.

    Where nothing of the user's is on the stack, the type and the text of the exception remain. Of a long chain of
    causes the last links are told; formatting all of it could take longer than the step that raised.
    """
    told = [_one(error)]
    while following := _came_from(error):
        error, between = following
        link = [_one(error), between]
        if sum(text.count("\n") + 1 for text in (*told, *link)) > _LINES:
            break
        told = [*link, *told]
    return _cut("\n".join(told), _CHARACTERS)


def _came_from(error: BaseException) -> tuple[BaseException, str] | None:
    """The exception that an exception came from, and the line to write between the two."""
    if error.__cause__ is not None:
        return error.__cause__, _CAUSE
    if error.__context__ is not None and not error.__suppress_context__:
        return error.__context__, _CONTEXT
    return None


def _one(error: BaseException) -> str:
    """The traceback of one exception, without what it came from."""
    frames = user_frames(error)
    lines = _lines(frames)
    left_out = len(frames) - _FIRST - _FRAMES
    if left_out > 0:
        lines = [*_lines(frames[:_FIRST]), f"  ... {left_out} calls ...\n", *_lines(frames[-_FRAMES:])]
    head = "Traceback (most recent call last):\n" if frames else ""
    return head + "".join(lines) + _last_lines(error)


def _lines(frames: list[tuple[FrameType, int]]) -> list[str]:
    return traceback.StackSummary.extract(iter(frames[: _FIRST + _FRAMES])).format()


def _last_lines(error: BaseException) -> str:
    try:
        text = "".join(traceback.format_exception_only(type(error), error)).rstrip("\n")
    except BaseException:  # noqa: BLE001  (its text is the user's code)
        return f"{type(error).__name__}: <its text cannot be made>"
    lines = text.split("\n")
    left_out = len(lines) - 2 * _TEXT
    return text if left_out <= 0 else "\n".join([*lines[:_TEXT], f"  ... {left_out} lines ...", *lines[-_TEXT:]])


def _cut(text: str, most: int) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}\n  ... {len(text) - 2 * half} characters ...\n{text[-half:]}"
