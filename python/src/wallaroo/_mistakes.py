"""What can be wrong with the parts of an application: each check yields phrases, what came and what to write."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence

from ._function import Decorated, describe, label_of
from ._keys import WrongKey, canonical, check_u64

MOST_TOLD = 20
"""Mistakes that one error tells; who has made more mends these first."""

_METHODS_OF_CLASS_STYLE = ("compute", "compute_multi", "partition", "decode", "encode")
_PLAIN_VALUES = (str, bytes, int, float, list, tuple, dict, set)
_MANY_ARGUMENTS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def listed(mistakes: Sequence[str]) -> str:
    """A line for each mistake, at most a screen of them."""
    left_out = len(mistakes) - MOST_TOLD
    more = [f"and {left_out} more"] if left_out > 0 else []
    return "\n".join(f"  {line}" for line in [*mistakes[:MOST_TOLD], *more])


def misplaced(slot: str, given: object, *wanted: type[Decorated]) -> Iterator[str]:
    """Into the slot goes what the decorators of `wanted` make; of two, the second is the one with several results."""
    if isinstance(given, wanted):
        return
    decorators = " or ".join(f"@wallaroo.{kind.decorator}" for kind in wanted)
    yield f"{slot} must be a function decorated by {decorators}, not {describe(given)}; {_advice(given, *wanted)}"


def _advice(given: object, *wanted: type[Decorated]) -> str:
    label = label_of(given)
    if isinstance(given, Decorated):
        return f"{label} belongs in {given.place.format(label)}"
    if given is None or isinstance(given, _PLAIN_VALUES):
        return "give the decorated function itself, without quotes and without calling it"
    if isinstance(given, type) or any(hasattr(given, method) for method in _METHODS_OF_CLASS_STYLE):
        kind = wanted[-1] if hasattr(given, "compute_multi") else wanted[0]
        style = given if isinstance(given, type) else type(given)
        return f"instead of a class with methods write {kind.write_above(style)}"
    return f"write {wanted[0].write_above(given)}"


def wrong_state_class(state_class: object, keyed: bool, for_keys: str) -> Iterator[str]:
    """A state class is called without arguments or, if keyed, with the key of the new entity.

    `for_keys` is what to write where there is one entity in all, and the class wants a key.
    """
    if isinstance(state_class, Decorated) or not callable(state_class):
        yield f"state_class must be a class, not {describe(state_class)}; write the class itself, without parentheses"
        return
    required = required_parameters(state_class)
    by_name = [parameter.name for parameter in required if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    positional = [parameter.name for parameter in required if parameter.name not in by_name]
    names = ", ".join([*positional, *(["*"] if by_name else []), *by_name])
    if by_name or len(required) > 1:
        allowed = "nothing, or one positional argument, the key" if keyed else "nothing"
        yield (
            f"the constructor of {label_of(state_class)} must require {allowed}, but it requires ({names}); "
            f"give {'the others' if keyed else 'them'} defaults, or set them in the state computation"
        )
    elif required and not keyed:
        yield (
            f"the constructor of {label_of(state_class)} requires ({names}), but here is one entity in all, and no "
            f"key; {for_keys}, or give {names} a default"
        )


def required_parameters(state_class: object) -> list[inspect.Parameter]:
    """What a class or other callable cannot be called without; nothing for the built-in classes that do not say."""
    try:
        signature = inspect.signature(state_class)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []
    parameters = signature.parameters.values()
    return [each for each in parameters if each.default is each.empty and each.kind not in _MANY_ARGUMENTS]


def wrong_keys(keys: object, u64: bool) -> Iterator[str]:
    """Partition keys are a list, or another collection, of keys; only the first wrong one of many is told."""
    if isinstance(keys, str | bytes) or not isinstance(keys, Collection):
        yield f"partition_keys must be a list of keys, not {describe(keys)}; write list(...), or leave it out"
        return
    for key in keys:
        try:
            check_u64(key) if u64 else canonical(key)
        except WrongKey as wrong:
            yield f"partition_keys holds {wrong.reason}"
            return
