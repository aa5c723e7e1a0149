"""Pickles of state entities: as pickle writes and reads them, but without a trace on the entities themselves.

CPython 3.11 and 3.12 keep the attributes of a plain object without a dictionary until somebody asks for `__dict__`, as
pickle does when it writes the object, and when it fills one that it reads. The dictionary then stays, and attributes
are slower from then on: 0.12 us where it was 0.05 us (3.11, one that is read, counted up and written). So here the
attributes of a plain entity are asked for by their names, and one that was read becomes an object without a dictionary.
"""

from __future__ import annotations

import copyreg
import gc
import pickle
import sys
from collections.abc import Callable
from functools import partial
from keyword import iskeyword
from typing import Any, NamedTuple
from weakref import getweakrefcount

Reduce = Callable[[Any], "str | tuple[Any, ...]"]
"""Takes an object apart as pickle's protocol for that says."""

_PROTOCOL = pickle.HIGHEST_PROTOCOL
_SHORT = 1 << 12  # bytes of the longest pickle whose pickler is used again, with a memory for all that one was made of
_ALONE = 2  # what sys.getrefcount tells of an object that only the asking function has
_DICTIONARY_LATE = sys.implementation.name == "cpython" and (3, 11) <= sys.version_info < (3, 13)


class Pickles:
    """Writes and reads the entities of a state, which are objects of one class. It is for one thread.

    What it writes pickle.loads reads, and what pickle.dumps writes it reads. What was written of objects that are not
    plain is what pickle.dumps gives. Of plain ones attributes may come in another order.
    """

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._class = _known(_Plain)  # of the last entity that was written
        self._reduce: Reduce | None = None  # how its objects are taken apart, if that is not left to pickle
        self._begin()

    def dumps(self, entity: object) -> bytes:
        """An entity as bytes, by the highest protocol.

        Raises:
            Exception: whatever pickle.dumps raises.
        """
        known = self._class
        if type(entity) is not known.cls or not known.is_as_it_was() or copyreg.dispatch_table != self._registered:
            self._meet(entity)
        try:
            self._dump(entity)
        except BaseException:
            self._begin()
            raise
        if len(self._written) == 1 and len(self._written[0]) <= _SHORT:
            self._forget()
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
        alone = sys.getrefcount(entity) == _ALONE and not getweakrefcount(entity)
        return _without_dictionary(entity) if alone else entity

    def _begin(self) -> None:
        """Have a pickler that has pickled nothing."""
        self._registered = dict(copyreg.dispatch_table)
        self._written.clear()
        pickler = pickle.Pickler(_Writer(self._written.append), _PROTOCOL)
        if self._reduce is not None:
            pickler.dispatch_table = self._registered | {self._class.cls: self._reduce}
        self._dump, self._forget = pickler.dump, pickler.clear_memo

    def _meet(self, entity: object) -> None:
        """Look how entities of a class are best taken apart, by one of them."""
        self._class = _known(type(entity))
        self._reduce = None
        if self._class.plain and self._class.cls not in copyreg.dispatch_table:
            names = [*vars(entity)]
            if names and all(map(self._class.answers_itself, names)):
                self._reduce = _reduce(self._class, names)
        self._begin()


class _Writer(NamedTuple):
    """What a pickler writes to."""

    write: Callable[[bytes], None]


def plain(cls: object) -> bool:
    """Whether this is a class of whose objects attributes are all there is, and their dictionaries come late.

    Pickle does with them as by default.
    """
    return type(cls) is type and _known(cls).plain


class _Class:
    """What is known of a class, as long as nothing is added to it or taken from it.

    Attributes:
        cls: the class.
        plain: as the function of that name says.
        fillable: names of attributes that its objects were found to have by themselves.
    """

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self._spaces = [vars(each) for each in cls.__mro__]
        self._own = self._spaces[:-1]  # that of object stays
        self.plain = (
            _DICTIONARY_LATE
            and type(cls) is type
            and all(getattr(cls, name) == getattr(_Plain, name) for name in _SAME)
            and not any(name in space for name in _NONE for space in self._own)
        )
        self.fillable: set[str] = set()
        if self.plain:
            object.__new__(cls).__reduce_ex__(_PROTOCOL)  # which adds __slotnames__ to the class, once
        self._size = sum(map(len, self._own))

    def is_as_it_was(self) -> bool:
        """Whether what is known still holds."""
        return self._size == sum(map(len, self._own))

    def has(self, name: str) -> bool:
        """Whether there is an attribute of the class itself."""
        return any(name in space for space in self._spaces)

    def answers_itself(self, name: object) -> bool:
        """Whether the attribute of an object can be asked for in a line of code, and no descriptor answers for it."""
        return (
            type(name) is str
            and name.isidentifier()
            and name.isascii()
            and not iskeyword(name)
            and not (name.startswith("__") and name.endswith("__"))
            and not self._describes(name, "__get__", "__set__", "__delete__")
        )

    def can_be_filled(self, held: dict[str, object]) -> bool:
        """Whether attributes can be set that an object shall have, and no descriptor takes them."""
        if not self.fillable.issuperset(held):
            if any(type(name) is not str or self._describes(name, "__set__", "__delete__") for name in held):
                return False
            self.fillable.update(held)
        return True

    def _describes(self, name: str, *by: str) -> bool:
        """Whether an attribute of the class, which is asked nothing here, is a descriptor with one of some methods."""
        found = next((space[name] for space in self._spaces if name in space), None)
        return any(hasattr(type(found), method) for method in by)


def _known(cls: type) -> _Class:
    known = _classes.get(cls)
    if known is None or not known.is_as_it_was():
        known = _classes[cls] = _Class(cls)
    return known


_classes: dict[type, _Class] = {}


class _Plain:
    """A class whose objects are plain."""


_SAME = ["__new__", "__basicsize__", "__itemsize__", "__dictoffset__", "__getattribute__", "__reduce__"]
_NONE = ["__getattr__", "__getnewargs__", "__getnewargs_ex__", "__reduce_ex__", "__getstate__", "__setstate__"]
_NONE += ["__slots__", "__del__"]


def _reduce(of: _Class, names: list[str]) -> Reduce:
    """Takes those plain objects apart without their dictionary that have exactly these attributes.

    The garbage collector tells what an object holds: as many things as it has attributes, and its class. A value that
    is the class's own may be that of an object without the attribute. And a single thing may be the dictionary.
    """
    sure = [f"state[{name!r}] is not cls.{name}" for name in names if of.has(name)]
    if len(names) == 1:
        sure.append(f"held[0] is state[{names[0]!r}] and not is_dictionary(held[0])")
    source = f"""
def reduce(entity):
    held = referents(entity)
    if len(held) == {len(names) + 1}:
        try:
            state = {{{", ".join(f"{name!r}: entity.{name}" for name in names)}}}
            if {" and ".join(sure) or True}:
                return new, args, state
        except AttributeError:
            pass
    return by_default(entity)
"""
    by_default: Reduce = lambda entity: entity.__reduce_ex__(_PROTOCOL)  # noqa: E731
    around: dict[str, Any] = {
        "cls": of.cls,
        "args": (of.cls,),
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
    """A plain object like one that nobody else has; any other as it is."""
    known = _known(type(entity))
    if not known.plain or not known.can_be_filled(vars(entity)):
        return entity
    fresh: object = object.__new__(known.cls)
    for name, value in vars(entity).items():
        _set(fresh, name, value)
    return fresh


_set = object.__setattr__
