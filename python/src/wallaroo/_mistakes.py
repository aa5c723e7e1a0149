"""What can be wrong with the parts of an application: each check yields phrases, what came and what to write."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence

from ._function import Decorated, describe, label_of
from ._keys import WrongKey, canonical, check_u64

VERSION, UPGRADE = "__wallaroo_version__", "__wallaroo_upgrade__"
"""What a state class may have: the version of its entities, and a function that makes this one of another."""

MOST_VERSION = (1 << 16) - 1

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
    yield from _wrong_version(state_class)


def _wrong_version(state_class: object) -> Iterator[str]:
    """A state class may say the version of its entities, and how to make them of those of another version."""
    label, version = label_of(state_class), getattr(state_class, VERSION, None)
    if version is not None and (type(version) is not int or not 1 <= version <= MOST_VERSION):
        yield (
            f"{VERSION} of {label} must be an int from 1 to {MOST_VERSION}, not {describe(version)}; "
            "count the versions of the class, as in 1, 2, 3"
        )
    upgrade = getattr(state_class, UPGRADE, None)
    if upgrade is None:
        return
    if version is None:
        yield (
            f"{label} has {UPGRADE} and no {VERSION}, so that all its entities have version 0; write {VERSION} = 1, or "
            "leave both out"
        )
    if not callable(upgrade) or not _takes(upgrade, 2):
        yield (
            f"{UPGRADE} of {label} must be a static method of an entity and the version that wrote it, not "
            f"{describe(upgrade)}; write @staticmethod above "
            f'"def {UPGRADE}(entity, version)"'
        )


def _takes(function: Callable[..., object], count: int) -> bool:
    """Whether it can be called with so many positional arguments, as far as can be known."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # it does not say
        return True
    return True


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
