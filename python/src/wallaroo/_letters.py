"""Messages that failed as text that can be kept, and such text as messages again.

docs/format/dead-letters.md draws what the text is.
"""

from __future__ import annotations

import base64
import pickle
from dataclasses import dataclass

from ._results import describe, in_short

TEXT = "text"
PICKLED = "base64-pickle"
_PROTOCOL = 5


class Payload(bytes):
    """What came from a source, where bytes that are UTF-8 may be kept as text; elsewhere text is a str."""


@dataclass(frozen=True)
class Missing:
    """Stands for a message that is not at hand."""

    why: str


@dataclass(frozen=True)
class Letter:
    """A message as it is kept."""

    text: str
    encoding: str

    def read(self, of_source: bool) -> object:
        """The message; what came from a source, if it is one of those.

        Raises:
            ValueError: the text is not what the encoding says.
            Exception: what reading the message raises.
        """
        if self.encoding == TEXT:
            return self.text.encode("utf-8") if of_source else self.text
        if self.encoding == PICKLED:
            message: object = pickle.loads(base64.b64decode(self.text, validate=True))
            if of_source and not isinstance(message, bytes):
                raise ValueError(f"got {describe(message)} for a source, to which bytes come")
            return message
        raise ValueError(f"a message in {self.encoding!r} is not one of Python's")


def told(message: object, most: int) -> dict[str, object]:
    """A message as a failure tells it, or why it does not. It may have so many bytes before they become text."""
    if isinstance(message, Missing):
        return {"message_missing": message.why}
    if isinstance(message, Letter):
        return {"message": message.text, "message_encoding": message.encoding}
    try:
        data = _utf_8(message)
        if data is not None and len(data) <= most:
            return {"message": data.decode("utf-8"), "message_encoding": TEXT}
        if data is None:
            data = pickle.dumps(bytes(message) if isinstance(message, Payload) else message, _PROTOCOL)
    except BaseException as error:  # noqa: BLE001  (told)
        return {"message_missing": f"it cannot be pickled: {in_short(error)}"}
    if len(data) > most:
        return {"message_missing": f"it has {len(data)} bytes, and at most {most} are kept"}
    return {"message": base64.b64encode(data).decode("ascii"), "message_encoding": PICKLED}


def _utf_8(message: object) -> bytes | None:
    """The bytes of a message that can be kept as text."""
    try:
        if type(message) is str:
            return message.encode("utf-8")
        if isinstance(message, Payload):
            message.decode("utf-8")
            return message
    except UnicodeError:
        pass
    return None
