"""Looks at where user code is: which steps the time goes to, and whether a call does not come back.

Nothing is counted on the path of a message: the stack tells.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from types import FrameType
from typing import Protocol

from ._failures import Site
from ._places import user_stack
from ._results import short_repr

_PAUSE = 0.05  # seconds between two looks: often enough to tell steps apart within seconds
_LEAST = 0.01  # seconds between two looks, where a call may take little
_SIGNS = 8  # of life, in the time that a call may take

Sites = Mapping[str, Mapping[int, tuple[Site, bool]]]
"""By the name of a stage's file: whose code a line of its function calls, and whether the key is known there."""


class Outbox(Protocol):
    """Where a watch tells what it sees."""

    def alive(self) -> None:
        """Say that the process goes on."""

    def hung(self, told: dict[str, object]) -> None:
        """Say that a call of user code has taken too long."""


class Watch:
    """Looks at the thread that makes it, from a thread of its own, while calls are carried out.

    Attributes:
        call: what is carried out now; None if nothing is. Each call must be another object.
    """

    def __init__(self, outbox: Outbox, sites: Sites, steps: Mapping[str, int], seconds: float) -> None:
        """Begin to look.

        Args:
            outbox: where what is seen is told.
            sites: whose code the lines of stages call.
            steps: the numbers of the steps, by their identities.
            seconds: how long a call of user code may take; 0 for ever.
        """
        self.call: object = None
        self._stopped = False
        self._outbox = outbox
        self._sites = sites
        self._steps = steps
        self._seconds = seconds
        self._seen: Counter[int] = Counter()
        self._thread = threading.get_ident()
        threading.Thread(target=self._run, name="wallaroo watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more. The thread ends when it notices; it tells nothing of what runs from now on."""
        self.call = None
        self._stopped = True

    def seen(self) -> Mapping[int, int]:
        """How often the code of a step ran when it was looked, since this was asked last, by the step's number."""
        if not self._seen:
            return self._seen
        seen, self._seen = self._seen, Counter()
        return seen

    def _run(self) -> None:
        pause = min(_PAUSE, max(_LEAST, self._seconds / _SIGNS)) if self._seconds else _PAUSE
        before: _Place | None = None
        since = told = 0.0
        while not self._stopped:
            time.sleep(pause)
            call = self.call
            if call is None:
                before = None
                continue
            here = self._look(call)
            if here is not None:
                self._count(here.site(self._sites))
            if not self._seconds:
                continue
            now = time.monotonic()
            if now - told >= self._seconds / _SIGNS:
                self._outbox.alive()
                told = now
            if here is None or before is None or not here.same(before):
                before, since = here, now
            elif now - since >= self._seconds:
                self._outbox.hung(here.told(self._sites, self._seconds, self._thread))
                return

    def _count(self, site: Site | None) -> None:
        if site is not None:
            self._seen[self._steps[site.step]] += 1

    def _look(self, call: object) -> _Place | None:
        """Where the thread is, if user code of a stage runs."""
        frame: FrameType | None = sys._current_frames().get(self._thread)
        inner = None
        while frame is not None and frame.f_code.co_filename not in self._sites:
            inner, frame = frame, frame.f_back
        return None if frame is None else _Place(call, frame, inner)


class _Place:
    """Where a thread is in a stage's function.

    The frame of what that calls is kept, so that no later call has the same one; a call of something written in C has
    none, and is told by its message and its instruction.
    """

    def __init__(self, call: object, stage: FrameType, inner: FrameType | None) -> None:
        self._call = call
        self._line = stage.f_lineno
        self._file = stage.f_code.co_filename
        self._at = stage.f_lasti
        local = stage.f_locals
        self._index = local.get("index")
        self._values = [id(value) for name, value in local.items() if name.startswith("value")]
        self._key = local.get("key")
        self._inner = inner

    def same(self, other: _Place) -> bool:
        """Whether it is one call of user code at both times."""
        return (
            self._call is other._call
            and self._inner is other._inner
            and (self._at, self._index, self._values) == (other._at, other._index, other._values)
        )

    def site(self, sites: Sites) -> Site | None:
        """Whose code it is; None if it is nobody's, between two calls."""
        site, _ = sites[self._file].get(self._line, (None, False))
        return site

    def told(self, sites: Sites, seconds: float, thread: int) -> dict[str, object]:
        """What the engine is told."""
        site, with_key = sites[self._file].get(self._line, ("", False))
        told: dict[str, object] = {"step": site, "seconds": seconds, "traceback": _traceback(thread)}
        if with_key:
            told["key"] = short_repr(self._key)
        return told


def _traceback(thread: int) -> str:
    """The user's calls that a thread is in."""
    lines = traceback.format_list(user_stack(sys._current_frames().get(thread)))
    return "".join(["Traceback (most recent call last):\n", *lines]).rstrip("\n") if lines else ""
