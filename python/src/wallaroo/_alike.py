"""Objects of the user's compared by what they hold: do two hold the same, and do two hold one object in common?"""

from __future__ import annotations

import array
import collections
import enum
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from ._results import describe

_ATOMS = (str, bytes, int, float, complex, bool, type(None), type, enum.Enum)
_CODE = (FunctionType, BuiltinFunctionType, MethodType, ModuleType)
_CHANGEABLE = (list, dict, set, bytearray, collections.deque, array.array)

Pair = tuple[str, Any, Any]


@dataclass(frozen=True)
class Difference:
    """Where two objects differ, as an expression that begins with a name for them, and what stands there in each."""

    path: str
    one: str
    other: str


def difference(name: str, one: object, other: object) -> Difference | None:
    """The first difference between two objects; None if they hold the same.

    Objects whose class says what equality is are asked; others are the same if they are of one class and would be
    pickled from the same parts.
    """
    seen: set[tuple[int, int]] = set()
    kept: list[object] = []  # parts that were made for the comparison: an id is of one object while that lives
    waiting: list[Pair] = [(name, one, other)]
    while waiting:
        path, left, right = waiting.pop()
        if left is right or (id(left), id(right)) in seen or _equal(left, right):
            continue
        seen.add((id(left), id(right)))
        kept += (left, right)
        parts = _parts_of_both(path, left, right)
        if parts is None:
            return Difference(path, describe(left), describe(right))
        waiting += reversed(parts)
    return None


def _equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and one != one and other != other:
        return True
    if isinstance(one, (list, tuple, dict, set, frozenset)) and getattr(one, "__dict__", None):
        return False  # its == is mostly that of its base, which looks at no attributes
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001  (the comparison is the user's code, or answers with an array)
        return False


def _parts_of_both(path: str, one: Any, other: Any) -> list[Pair] | None:
    """The parts of two objects that are not equal, beside each other; None if that alone makes them differ."""
    if type(one) is not type(other) or isinstance(one, (*_ATOMS, *_CODE, bytearray)):
        return None
    if isinstance(one, (list, tuple, collections.deque)):
        if len(one) != len(other):
            return None
        held = [(f"{path}[{n}]", *pair) for n, pair in enumerate(zip(one, other, strict=True))]
    elif isinstance(one, dict):
        if len(one) != len(other) or any(key not in other for key in one):
            return None
        held = [(f"{path}[{key!r}]", value, other[key]) for key, value in one.items()]
    elif isinstance(one, (set, frozenset)):
        return [] if _match(one, other) else None
    else:
        return _reduced(path, one, other)
    own = [(f"{path}.{name}", value, vars(other).get(name)) for name, value in getattr(one, "__dict__", {}).items()]
    return held + own


def _match(one: Set[object], other: Set[object]) -> bool:
    """Whether each element of a set has its like in another one."""
    left = list(other)
    for element in one:
        found = next((n for n, candidate in enumerate(left) if difference("", element, candidate) is None), None)
        if found is None:
            return False
        del left[found]
    return not left


def _reduced(path: str, one: Any, other: Any) -> list[Pair] | None:
    """What pickle would make of two objects of one class; their attributes where it would take these."""
    kind = type(one)
    own, others = _attributes(one), _attributes(other)
    if own and others and _pickled_as_it_stands(kind):
        missing = object()
        names = dict.fromkeys([*own, *others])
        return [(f"{path}.{name}", own.get(name, missing), others.get(name, missing)) for name in names]
    if not own and not others and _says_what_equals(kind):
        return None  # a value: what it says of itself holds
    try:
        row, others_row = ([_listed(part) for part in thing.__reduce_ex__(4)] for thing in (one, other))
    except Exception:  # noqa: BLE001  (what cannot be pickled is its own kind of mistake)
        return None
    return [(f"{path} as it is pickled", row, others_row)]


def _says_what_equals(kind: Any) -> bool:
    return kind.__eq__ is not object.__eq__


def _pickled_as_it_stands(kind: type) -> bool:
    """Whether pickle takes the attributes of objects of a class, and the class does not say what instead."""
    asked = ("__reduce_ex__", "__reduce__", "__getstate__")
    return all(getattr(kind, name, None) is getattr(object, name, None) for name in asked)


def _listed(part: Any) -> Any:
    return list(part) if isinstance(part, Iterator) else part


def shared(name: str, one: object, other_name: str, other: object) -> tuple[str, str, object] | None:
    """An object that can change and that two objects both hold: where it stands in each, and itself; None if none."""
    places = {id(part): path for path, part in _changeable_parts(other_name, other)}
    for path, part in _changeable_parts(name, one):
        if id(part) in places:
            return path, places[id(part)], part
    return None


def _changeable_parts(name: str, whole: object) -> Iterator[tuple[str, object]]:
    """All that can change in an object, itself included, with the expression that leads there."""
    seen: set[int] = set()
    waiting = [(name, whole)]
    while waiting:
        path, part = waiting.pop()
        if id(part) in seen or isinstance(part, (*_ATOMS, *_CODE)):
            continue
        seen.add(id(part))
        if _can_change(part):
            yield path, part
        waiting += reversed(list(_parts(path, part)))


def _can_change(part: object) -> bool:
    """Whether it is more than a value, as objects of the standard library are that are no containers."""
    kind = type(part)
    if isinstance(part, _CHANGEABLE):
        return True
    if kind.__module__.partition(".")[0] in sys.stdlib_module_names and kind.__module__ != "__main__":
        return False
    fixed = getattr(kind, "__dataclass_params__", None)
    if (fixed is not None and fixed.frozen) or kind.__setattr__ is not object.__setattr__:
        return False
    return bool(_attributes(part)) and not isinstance(part, tuple)


def _parts(path: str, whole: Any) -> Iterator[tuple[str, object]]:
    if isinstance(whole, Mapping):
        yield from ((f"{path}[{key!r}]", value) for key, value in whole.items())
        yield from ((f"a key of {path}", key) for key in whole)
    elif isinstance(whole, (Set, collections.deque)) or (
        isinstance(whole, Sequence) and not isinstance(whole, (range, array.array, bytearray, memoryview))
    ):
        yield from ((f"{path}[{n}]", value) for n, value in enumerate(whole))
    yield from ((f"{path}.{name}", value) for name, value in (_attributes(whole) or {}).items())


def _attributes(thing: object) -> dict[str, object] | None:
    """What stands in an object's own attributes; None if it has no place for any."""
    slots = [slot for kind in type(thing).__mro__ for slot in _slots(kind)]
    if not hasattr(thing, "__dict__") and not slots:
        return None
    found: dict[str, object] = dict(getattr(thing, "__dict__", {}))
    return found | {slot: getattr(thing, slot) for slot in slots if hasattr(thing, slot)}


def _slots(kind: type) -> Iterator[str]:
    """The attributes that the slots of a class hold, by the names that Python gives them."""
    named = vars(kind).get("__slots__", ())
    for slot in (named,) if isinstance(named, str) else named:
        if slot.startswith("__") and not slot.endswith("__"):
            yield f"_{kind.__name__.lstrip('_')}{slot}"
        elif slot not in ("__dict__", "__weakref__"):
            yield slot
