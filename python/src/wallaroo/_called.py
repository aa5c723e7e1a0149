"""Calls of the API as such: too few arguments, too many, or one of a name that there is not."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from .errors import WallarooParameterError

F = TypeVar("F", bound=Callable[..., Any])


def called_as(usage: str) -> Callable[[F], F]:
    """Have a method, or a class, that is called with wrong arguments raise a WallarooParameterError.

    Args:
        usage: the call as one writes it. It stands in the text; what is before its parenthesis says what was called.
    """

    def wrap(called: F) -> F:
        if isinstance(called, type):
            called.__init__ = wrap(called.__init__)  # type: ignore[misc]
            return called
        return cast("F", checked(called))

    def checked(method: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            unknown = [name for name in kwargs if name not in signature.parameters]
            wrong = f"it has no argument {unknown[0]!r}" if unknown else ""
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise WallarooParameterError(f"{usage.partition('(')[0]}(): {wrong or error}; write {usage}") from None
            return method(*args, **kwargs)

        return call

    return wrap


def suggestion(name: str, known: Sequence[str]) -> str:
    """What to write in place of a name that is not known."""
    alike = difflib.get_close_matches(name, known, n=1)
    return f"write {alike[0]}" if alike else f"it has {', '.join(known)}"
