"""Pickles of state entities: as pickle writes and reads them, but without a trace on the entities themselves.

CPython up to 3.12 keeps the attributes of a plain object without a dictionary until somebody asks for `__dict__`, as
pickle does when it writes the object, and when it fills one that it reads. The dictionary then stays, and attributes
are slower from then on: 0.12 us where it was 0.05 us (3.11, one that is read, counted up and written). So here the
attributes of a plain entity are asked for by their names, and one that was read becomes an object without a dictionary.
"""

from __future__ import annotations

import copyreg
import gc
import pickle
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from keyword import iskeyword
from typing import Any, NamedTuple

Reduce = Callable[[Any], "str | tuple[Any, ...]"]
"""Takes an object apart as pickle's protocol for that says."""

_PROTOCOL = pickle.HIGHEST_PROTOCOL
_ALONE = 2  # what sys.getrefcount tells of an object that only the asking function has
_DICTIONARY_LATE = sys.implementation.name == "cpython" and sys.version_info < (3, 13)


class Pickles:
    """Writes and reads the entities of a state, which are objects of one class, or of few. It is for one thread.

    What it writes pickle.loads reads, and what pickle.dumps writes it reads.
    """

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._reduces: dict[type, Reduce | None] = {}  # by class, how its objects are taken apart here, if they are
        self._begin()

    def dumps(self, entity: object) -> bytes:
        """An entity as bytes, by the highest protocol.

        Raises:
            Exception: whatever pickle.dumps raises.
        """
        if type(entity) not in self._reduces or copyreg.dispatch_table != self._registered:
            self._meet(entity)
        try:
            self._dump(entity)
        except BaseException:
            self._begin()
            raise
        self._forget()
        if len(self._written) == 1:  # as it is up to 64 KiB
            return self._written.pop()
        written = b"".join(self._written)
        self._begin()
        return written

    @staticmethod
    def loads(written: bytes) -> object:
        """The entity that was written.

        Raises:
            Exception: whatever pickle.loads raises.
        """
        entity: object = pickle.loads(written)
        if sys.getrefcount(entity) == _ALONE and plain(type(entity)):
            return _without_dictionary(entity)
        return entity

    def _begin(self) -> None:
        """Have a pickler that has pickled nothing."""
        self._registered = dict(copyreg.dispatch_table)
        self._written.clear()
        pickler = pickle.Pickler(_Writer(self._written.append), _PROTOCOL)
        pickler.dispatch_table = {cls: reduce for cls, reduce in self._reduces.items() if reduce} | self._registered
        self._dump, self._forget = pickler.dump, pickler.clear_memo

    def _meet(self, entity: object) -> None:
        """Look how objects of a class are best taken apart, by the first of them."""
        cls = type(entity)
        names = [*vars(entity)] if plain(cls) and cls not in copyreg.dispatch_table else []
        can = names and all(_is_name(cls, name) for name in names)
        self._reduces[cls] = _reduce(cls, names) if can else None
        self._begin()


class _Writer(NamedTuple):
    """What a pickler writes to."""

    write: Callable[[bytes], None]


def plain(cls: object) -> bool:
    """Whether this is a class of whose objects attributes are all there is, and their dictionaries come late.

    Pickle does with them as by default.
    """
    if not _DICTIONARY_LATE or type(cls) is not type:
        return False
    if cls not in _plain:
        _plain[cls] = _is_plain(cls)
    return _plain[cls]


_plain: dict[type, bool] = {}  # what is known of classes


def _is_plain(cls: type) -> bool:
    return all(getattr(cls, name) == getattr(_Plain, name) for name in _SAME) and not any(
        hasattr(cls, name) for name in _NONE
    )


class _Plain:
    """A class whose objects are plain."""


_SAME = [
    "__new__",
    "__basicsize__",
    "__itemsize__",
    "__dictoffset__",
    "__getattribute__",
    "__reduce__",
    "__reduce_ex__",
]
_NONE = ["__getattr__", "__getnewargs__", "__getnewargs_ex__", "__setstate__", "__slots__", "__del__"]
(_SAME if hasattr(object, "__getstate__") else _NONE).append("__getstate__")


def _is_name(cls: type, name: object) -> bool:
    """Whether an attribute of an object can be asked for in a line of code, and nothing answers in its place."""
    return (
        type(name) is str
        and name.isidentifier()
        and name.isascii()
        and not iskeyword(name)
        and not hasattr(type(getattr(cls, name, None)), "__get__")
    )


def _reduce(cls: type, names: list[str]) -> Reduce:
    """Takes those plain objects apart without their dictionary that have exactly these attributes.

    The garbage collector tells what an object holds: as many things as it has attributes, and its class. A value that
    is the class's own may be that of an object without the attribute. And a single thing may be the dictionary.
    """
    sure = [f"state[{name!r}] is not cls.{name}" for name in names if hasattr(cls, name)]
    if len(names) == 1:
        sure.append(f"held[0] is state[{names[0]!r}] and not is_dictionary(held[0])")
    source = f"""
def reduce(entity):
    held = referents(entity)
    if len(held) == {len(names) + 1}:
        try:
            state = {{{", ".join(f"{name!r}: entity.{name}" for name in names)}}}
        except AttributeError:
            return by_default(entity)
        if {" and ".join(sure) or True}:
            return new, args, state
    return by_default(entity)
"""
    by_default: Reduce = lambda entity: entity.__reduce_ex__(_PROTOCOL)  # noqa: E731
    around: dict[str, Any] = {
        "cls": cls,
        "args": (cls,),
        "new": copyreg.__newobj__,  # type: ignore[attr-defined]
        "referents": gc.get_referents,
        "by_default": by_default,
        "is_dictionary": partial(_is_dictionary, names[0]),
    }
    exec(source, around)  # noqa: S102  (of the user's text only names are in it)
    reduce: Reduce = around["reduce"]
    return reduce


def _is_dictionary(name: str, held: object) -> bool:
    """Whether the only thing that an object holds is its dictionary: then it is there the value of its own name."""
    return isinstance(held, dict) and dict.get(held, name) is held


def _without_dictionary(entity: object) -> object:
    """A plain object like one that nobody else has."""
    cls = type(entity)
    held = vars(entity)
    if not _free[cls].issuperset(held):
        for name in held:
            if hasattr(type(getattr(cls, name, None)), "__set__"):
                return entity
        _free[cls].update(held)
    fresh = cls.__new__(cls)
    for name, value in held.items():
        _set(fresh, name, value)
    return fresh


_set = object.__setattr__
_free: defaultdict[type, set[str]] = defaultdict(set)  # by class, names of attributes that its objects can have
