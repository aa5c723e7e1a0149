"""Care, after a process has died of a message.

The engine is told before each call of user code which message is about to enter which step, so that it knows what the
process was at if it dies again. Messages that have killed it are kept from the step.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ._failures import Site
from ._protocol import CALL_BYTES, ProtocolError, read_json


@dataclass(frozen=True)
class Noted:
    """A message at a step.

    Attributes:
        step: the identity of the step.
        finding_key: it is about to meet not the step but the function that finds its key.
        digest: of the message, in hexadecimal digits.
    """

    step: str
    finding_key: bool
    digest: str


@dataclass(frozen=True)
class Skip:
    """A message that is kept from a step, once.

    Attributes:
        noted: which one.
        why: what it has done.
    """

    noted: Noted
    why: str


def read_care(data: bytes) -> list[Skip] | None:
    """The messages to skip, of the body of a CARE frame; None if no care is needed.

    Raises:
        ProtocolError: it is no such body.
    """
    told = read_json(data, CALL_BYTES)
    try:
        skips = [
            Skip(Noted(skip["step"], skip["finding_key"], skip["digest"]), skip["why"])
            for skip in cast(list[dict[str, Any]], told["skips"])
        ]
        return skips if told["notes"] else None
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"a care that is none: {error}") from None


class Care:
    """What is noted, and skipped: as many of equal messages as there are skips for them."""

    def __init__(self, note: Callable[[Noted], None], skips: Sequence[Skip]) -> None:
        """Each message is told by ``note`` before it enters a step."""
        self._note = note
        self._skips: dict[Noted, list[str]] = {}
        for skip in skips:
            self._skips.setdefault(skip.noted, []).append(skip.why)

    def taken(self, site: Site, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that does what one of the user's does, whose first parameter is a message, with care."""

        def careful(message: object, *entity: object) -> object:
            noted = Noted(site.step, site.finding, digest(message))
            reasons = self._skips.get(noted)
            if reasons:
                raise RuntimeError(reasons.pop(0))
            self._note(noted)
            return function(message, *entity)

        return careful


def digest(message: object) -> str:
    """That of a message. Equal messages have equal ones, in all processes, if their pickles are equal."""
    data = message if isinstance(message, bytes) else _written(message)
    return hashlib.sha256(data).hexdigest()


def _written(message: object) -> bytes:
    try:
        return pickle.dumps(message, 5)
    except Exception:  # noqa: BLE001  (it need not become bytes where it never leaves)
        return repr(message).encode("utf-8", "replace")
