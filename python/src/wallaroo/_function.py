"""A function of the user's and what Wallaroo must know of it: the base of everything the decorators return."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar, cast

from .errors import WallarooParameterError

F = TypeVar("F", bound=Callable[..., Any])

_METADATA = ("__module__", "__name__", "__qualname__", "__doc__")


class Decorated:
    """A named function, checked once when it is decorated; calling the object calls the function.

    It is immutable and pickles as a reference to the name it is bound to in its module.
    """

    decorator: ClassVar[str]
    """The name of its decorator."""
    example: ClassVar[str]
    """The decorator as one writes it; {0} stands for the function's name."""
    place: ClassVar[str]
    """Where such a function is given to the builder; {0} stands for it."""
    arguments: ClassVar[tuple[str, ...]] = ("data",)
    """What Wallaroo calls it with."""
    instead_of_yield: ClassVar[str | None] = '"return"'
    """What to write in place of a generator function; None if it may be one."""

    name: str
    function: Callable[..., Any]

    __module__: str
    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        vars(self).update(name=name, function=function)
        self._check_function()
        self._check_name()
        vars(self).update({key: getattr(function, key) for key in _METADATA}, __wrapped__=function)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"{self!r} does not change: cannot set {attribute!r}")

    def __delattr__(self, attribute: str) -> None:
        raise AttributeError(f"{self!r} does not change: cannot delete {attribute!r}")

    def __reduce__(self) -> str:
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self.__qualname__}>"

    def _check_function(self) -> None:
        function = self.function
        if not inspect.isroutine(function):
            raise self._refusal(f"decorates a function, not {describe(function)}", self.write_above(function))
        label = label_of(function)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise self._refusal(f"cannot call {label}, which is async", f'"def {label}" without async')
        if inspect.isgeneratorfunction(function) and self.instead_of_yield:
            raise self._refusal(f"needs what {label} returns, but it yields", self.instead_of_yield)
        self._check_arity(label)

    def _check_arity(self, label: str) -> None:
        try:
            signature = inspect.signature(self.function)
        except ValueError:  # Some functions written in C do not say what they take.
            return
        try:
            signature.bind(*self.arguments)
        except TypeError:
            call = f"{label}({', '.join(self.arguments)})"
            reason = f"calls {call}, but the function is {label}{_plain(signature)}"
            raise self._refusal(reason, f'"def {call}"') from None

    def _check_name(self) -> None:
        for reason in wrong_name("its name", self.name):
            raise self._refusal(f"is wrong here: {reason}", self.write_above(self.function))

    @classmethod
    def write_above(cls, function: object) -> str:
        """The line to write above a function (or in place of a class), as text for a message."""
        label = getattr(function, "__name__", "...")
        return f'{cls.example.format(label)} above "def {label}"'

    @classmethod
    def _refusal(cls, reason: str, write: str) -> WallarooParameterError:
        return WallarooParameterError(f"@wallaroo.{cls.decorator} {reason}; write {write}")


def explained(example: str) -> Callable[[F], F]:
    """Make a decorator called with wrong arguments raise a WallarooParameterError that says to write `example`."""

    def wrap(decorator: F) -> F:
        @functools.wraps(decorator)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                inspect.signature(decorator).bind(*args, **kwargs)
            except TypeError as error:
                raise WallarooParameterError(f"@wallaroo.{decorator.__name__}: {error}; write {example}") from None
            return decorator(*args, **kwargs)

        return cast("F", call)

    return wrap


def refuse_bare(decorator: type[Decorated], given: object) -> None:
    """Raise WallarooParameterError if a decorator that takes a name was given the function itself."""
    if callable(given):
        raise WallarooParameterError(
            f"@wallaroo.{decorator.decorator} needs a name; write {decorator.write_above(given)}"
        )


def wrong_name(slot: str, name: object) -> Iterator[str]:
    """A name is a str that stands in logs and metrics, one to a line."""
    if not isinstance(name, str):
        yield f"{slot} must be a str, not {describe(name)}"
    elif not name.strip():
        yield f"{slot} must not be empty"
    elif not name.isprintable():
        yield f"{slot} must be of characters that print, not {describe(name)}"


def describe(thing: object) -> str:
    """What something is, in the words of a message: ``split, a @wallaroo.computation``."""
    if isinstance(thing, Decorated):
        article = "an" if thing.decorator[0] in "aeiou" else "a"
        return f"{label_of(thing)}, {article} @wallaroo.{thing.decorator}"
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if inspect.isroutine(thing):
        return f"the plain function {label_of(thing)}"
    if thing is None:
        return "None"
    if isinstance(thing, str | bytes | int | float | list | tuple | dict | set):
        return f"the {type(thing).__name__} {reprlib.repr(thing)}"
    return f"an object of class {type(thing).__name__}"


def label_of(thing: object) -> str:
    """What the user's program calls something, as far as can be known."""
    label = getattr(thing, "__name__", None)
    return label if isinstance(label, str) else type(thing).__name__


def _plain(signature: inspect.Signature) -> str:
    """A signature without its annotations."""
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
