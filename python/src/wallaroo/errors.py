"""What Wallaroo raises when an application is wrong."""

from __future__ import annotations

from collections.abc import Iterable


class WallarooParameterError(Exception):
    """The application is declared wrongly, or its command line is.

    The message says where (pipeline and step, or the decorated function), what came, what is wanted and what to write.
    `ApplicationBuilder.build` collects all mistakes of an application into one error, a line each; those of decorators
    are among them. A function that was decorated wrongly raises this when it is called. A method or a class of the API
    that is called with too few or too many arguments, or with one of an unknown name, raises it at once.

    Attributes:
        mistakes: each with its place, as ``FILE:LINE: what is wrong``; empty where the line that raised is the place.
    """

    def __init__(self, message: str, mistakes: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.mistakes = tuple(mistakes)
