"""A function of the user's and what Wallaroo must know of it: the base of everything the decorators return."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar, cast

from ._places import calling
from .errors import WallarooParameterError

F = TypeVar("F", bound=Callable[..., Any])

_LAMBDA = "<lambda>"  # the name of a function that has none

_METADATA = ("__module__", "__name__", "__qualname__", "__doc__")


class Decorated:
    """A named function, checked once when it is decorated; calling the object calls the function.

    What is wrong with it raises when it is called, and not where it is decorated: so `build`, and who loads the
    application, can tell all mistakes together.

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
    mistakes: tuple[str, ...]
    """What is wrong with it, each with its place; if anything is, `function` raises it."""

    __module__: str
    __name__: str
    __qualname__: str
    __wrapped__: Callable[..., Any]

    def __init__(self, name: str, function: Callable[..., Any], *wrong: str, **details: object) -> None:
        """Check a function; `wrong` is what was wrong with the call of its decorator, `details` are more attributes."""
        place, label = calling(), label_of(function)
        reasons = [*wrong, *self._wrong_function(function), *self._wrong_name(name, function)]
        mistakes = tuple(f"{place}: @wallaroo.{self.decorator}{reason}" for reason in reasons)
        vars(self).update({key: getattr(function, key, label) for key in _METADATA}, __wrapped__=function, **details)
        vars(self).update(
            name=label if mistakes else name,
            function=_refusing(mistakes) if mistakes else function,
            mistakes=mistakes,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # each kind tells its types to who checks them
        return self.function(*args, **kwargs)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"{self!r} does not change: cannot set {attribute!r}")

    def __delattr__(self, attribute: str) -> None:
        raise AttributeError(f"{self!r} does not change: cannot delete {attribute!r}")

    def __reduce__(self) -> str:
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} of {self.__qualname__}>"

    @classmethod
    def _wrong_function(cls, function: Callable[..., Any]) -> Iterator[str]:
        """Yield what is wrong with a function, or with what is none."""
        label = label_of(function)
        if not inspect.isroutine(function):
            yield f" decorates a function, not {describe(function)}; write {cls.write_above(function)}"
        elif inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            yield f' cannot call {label}, which is async; write "def {label}" without async'
        elif inspect.isgeneratorfunction(function) and cls.instead_of_yield:
            yield f" needs what {label} returns, but it yields; write {cls.instead_of_yield}"
        else:
            yield from cls._wrong_arity(label, function)

    @classmethod
    def _wrong_arity(cls, label: str, function: Callable[..., Any]) -> Iterator[str]:
        try:
            signature = inspect.signature(function)
        except ValueError:  # Some functions written in C do not say what they take.
            return
        try:
            signature.bind(*cls.arguments)
        except TypeError:
            arguments = ", ".join(cls.arguments)
            write = f"lambda {arguments}: ..." if label == _LAMBDA else f"def {label}({arguments})"
            yield f' calls {label}({arguments}), but the function is {label}{_plain(signature)}; write "{write}"'

    @classmethod
    def _wrong_name(cls, name: object, function: Callable[..., Any]) -> Iterator[str]:
        for reason in wrong_name("its name", name):
            yield f" is wrong here: {reason}; write {cls.write_above(function)}"

    @classmethod
    def write_above(cls, function: object, example: str = "") -> str:
        """The line to write above a function (or in place of a class), as text for a message."""
        label, decorator = getattr(function, "__name__", "..."), example or cls.example
        if label == _LAMBDA:
            call = f"NAME({', '.join(cls.arguments)})"
            return f'"def {call}" in place of the lambda, with {decorator.format("NAME")} above it'
        return f'{decorator.format(label)} above "def {label}"'


def _refusing(mistakes: Sequence[str]) -> Callable[..., Any]:
    """What stands in for a function of which something is wrong."""

    def refuse(*args: object, **kwargs: object) -> Any:
        raise WallarooParameterError("\n".join(mistakes), mistakes)

    return refuse


def explained(kind: type[Decorated], needs: str = "", example: str = "") -> Callable[[F], F]:
    """Have a decorator that is called with wrong arguments make a `kind` with that mistake, which says what to write.

    Args:
        kind: what the decorator makes.
        needs: the arguments it cannot be without, in words; empty if it stands without parentheses.
        example: how to write it, if not as that of the kind.
    """

    def wrap(decorator: F) -> F:
        @functools.wraps(decorator)
        def call(*args: Any, **kwargs: Any) -> Any:
            if needs and len(args) == 1 and not kwargs and callable(args[0]):
                return kind(label_of(args[0]), args[0], f" needs {needs}; write {kind.write_above(args[0])}")
            try:
                inspect.signature(decorator).bind(*args, **kwargs)
            except TypeError as error:
                wrong = f": {error}" if needs else " stands without parentheses"
            else:
                return decorator(*args, **kwargs)
            return lambda function: kind(
                label_of(function), function, f"{wrong}; write {kind.write_above(function, example)}"
            )

        return cast("F", call)

    return wrap


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
    if getattr(thing, "__name__", None) == _LAMBDA:
        return "a lambda"
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
