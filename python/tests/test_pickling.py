"""Pickles of entities: what pickle gives, without a trace on the entities."""

from __future__ import annotations

import copyreg
import gc
import pickle
import random
import sys
import unittest
import weakref
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from wallaroo._pickling import Pickles, plain

LATE = sys.implementation.name == "cpython" and (3, 11) <= sys.version_info < (3, 13)


class Bag:
    """Holds what it is given."""

    def __init__(self, **held: object) -> None:
        for name, value in held.items():
            setattr(self, name, value)


class Other(Bag):
    pass


@dataclass
class Defaults:
    n: int = 0
    name: str = ""
    rest: list[int] = field(default_factory=list)


class Slots:
    __slots__ = ("n",)


class Getstate(Bag):
    def __getstate__(self) -> object:
        return {"n": -1}


class Setstate(Bag):
    def __setstate__(self, state: dict[str, object]) -> None:
        self.n = -1


class Reduce(Bag):
    def __reduce__(self) -> Any:
        return (Reduce, ())


class Getattr(Bag):
    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return 1


class Property(Bag):
    @property
    def n(self) -> int:
        return -1


class Made(Bag):
    def __new__(cls, *_: object, **__: object) -> Made:
        return super().__new__(cls)


class Ends(Bag):
    def __del__(self) -> None:
        pass


class Listed(list[int]):
    pass


class Meta(type):
    pass


class WithMeta(Bag, metaclass=Meta):
    pass


class Registered(Bag):
    pass


class Refers(Bag):
    """Refers to its owner weakly, once it was read."""

    def __reduce__(self) -> Any:
        return (Refers, (), None, None, iter([("owner", self.owner)]))  # type: ignore[attr-defined]

    def __setitem__(self, _: str, owner: object) -> None:
        self.weakly = weakref.ref(owner)


def has_dictionary(entity: object) -> bool:
    """Whether an object has got the dictionary that nobody has asked for."""
    return any(type(held) is dict and held.keys() == vars(entity).keys() for held in gc.get_referents(entity))


def held(entity: Any) -> object:
    """All that there is of an object, to be compared."""
    if isinstance(entity, (list, tuple)):
        return (type(entity), *map(held, entity))
    if isinstance(entity, dict):
        return {name: held(value) for name, value in entity.items()}
    return (type(entity), held(vars(entity))) if type(entity).__module__ == __name__ else entity


class TheSame(unittest.TestCase):
    """What comes back is what there was, whatever pickles it and whatever reads it."""

    def same(self, pickles: Pickles, entity: Any) -> None:
        first = pickles.dumps(entity)  # pickle leaves a dictionary, which it may have none of yet
        before = held(pickle.loads(pickle.dumps(entity)))
        for written in (first, pickles.dumps(entity)):
            self.assertEqual(held(pickle.loads(written)), before)
            self.assertEqual(held(pickles.loads(written)), before)
            self.assertEqual(held(pickles.loads(pickle.dumps(entity))), before)

    def test_objects_of_one_class_that_hold_different_things(self) -> None:
        """Attributes that others lack, in another order, and some that were taken away again."""
        names = ["a", "b", "c", "d", "class", "x y", "ﬁ", "__private", "n"]
        values = [0, 1, "", "text", b"bytes", None, [1], {"a": 1}, 2.5]
        for seed in range(300):
            chance = random.Random(seed)
            pickles, cls = Pickles(), chance.choice([Bag, Other, Getattr, Property, Defaults])
            for _ in range(8):
                entity = cls()
                for name in chance.sample(names, chance.randrange(4)):
                    if not (cls is Property and name == "n"):
                        setattr(entity, name, chance.choice(values))
                if vars(entity) and chance.random() < 0.2:
                    delattr(entity, chance.choice([*vars(entity)]))
                if chance.random() < 0.2:
                    vars(entity)[chance.choice(["late", "n"])] = 1  # "n" may stand behind a property
                self.same(pickles, entity)

    def test_an_attribute_of_the_class_is_not_one_of_the_object(self) -> None:
        class_has = type("ClassHas", (Bag,), {"a": 0, "__module__": __name__})
        with patch.dict(globals(), ClassHas=class_has):
            pickles = Pickles()
            for entity in (class_has(a=1), class_has(b=0), class_has(a=0), class_has(b=1), class_has(a=2)):
                self.same(pickles, entity)

    def test_an_only_attribute_and_a_dictionary(self) -> None:
        """One thing that an object holds may be its dictionary."""
        pickles = Pickles()
        self.same(pickles, Bag(a=1))
        other = Bag(a=1)
        vars(other).update(b=2)
        self.same(pickles, other)
        del other.b  # type: ignore[attr-defined]
        self.same(pickles, other)
        self.same(pickles, Bag(a={"a": 1}))
        itself = Bag()
        itself.a = vars(itself)  # type: ignore[attr-defined]
        itself.b = 5  # type: ignore[attr-defined]
        again: Any = pickles.loads(pickles.dumps(itself))
        self.assertEqual((again.b, again.a["b"]), (5, 5))

    def test_classes_that_say_themselves_what_is_to_be_pickled(self) -> None:
        slots = Slots()
        slots.n = 3  # type: ignore[attr-defined]
        listed = Listed([1, 2])
        listed.n = 3  # type: ignore[attr-defined]
        for cls in (Getstate, Setstate, Reduce, Getattr, Made, Ends, WithMeta):
            self.assertFalse(plain(cls), cls)
            self.same(Pickles(), cls(n=1))
        for entity in (slots, listed, 5, "x", {"a": Bag(n=1)}, None):
            self.assertFalse(plain(type(entity)), entity)
            written = Pickles().dumps(entity)
            self.assertEqual(written, pickle.dumps(entity, 5))
            self.assertIs(type(Pickles.loads(written)), type(entity))
        again: Any = Pickles.loads(Pickles().dumps(listed))
        self.assertEqual((again, again.n), ([1, 2], 3))

    def test_a_class_that_is_registered_with_pickle(self) -> None:
        """Before or after the first object of it."""
        with patch.dict(copyreg.dispatch_table):
            pickles, inner = Pickles(), Pickles()
            self.same(pickles, Registered(n=1))
            self.same(inner, Bag(r=Registered(n=1)))
            copyreg.pickle(Registered, lambda _: (Registered, ()))
            for each in (pickles, Pickles()):
                self.same(each, Registered(n=1))
                self.assertEqual(held(pickle.loads(each.dumps(Registered(n=1)))), held(Registered()))
            self.same(inner, Bag(r=Registered(n=1)))

    def test_descriptors_are_asked_nothing(self) -> None:
        """Neither when a class is looked at nor when an object is filled."""

        def told(*_: object) -> object:
            raise AssertionError

        for methods in (("__get__",), ("__set__",), ("__delete__",), ("__get__", "__set__")):
            descriptor = type("Descriptor", (), dict.fromkeys(methods, told))()
            described = type("Described", (Bag,), {"a": descriptor, "__module__": __name__})
            with patch.dict(globals(), Described=described):
                pickles = Pickles()
                for names in ("a", "b", "ab"):
                    entity = described()
                    vars(entity).update(dict.fromkeys(names, 1))
                    written = pickles.dumps(entity)
                    self.assertEqual(vars(pickle.loads(written)), vars(entity))
                    self.assertEqual(vars(pickles.loads(written)), vars(entity))

    def test_a_class_that_changes(self) -> None:
        """What was known of it holds no more."""
        changing = type("Changing", (Bag,), {"a": 0, "__module__": __name__})
        with patch.dict(globals(), Changing=changing):
            pickles = Pickles()
            self.same(pickles, changing(a=1, b=1))
            self.same(pickles, changing(a=2, b=1))
            setattr(changing, "c", 1)  # noqa: B010
            self.same(pickles, changing(a=1, b=1))
            setattr(changing, "b", 1)  # noqa: B010
            self.same(pickles, changing(a=1, c=1))
            self.same(pickles, changing(a=1, b=1))
            delattr(changing, "a")
            self.same(pickles, changing(c=1, b=1))
            self.same(pickles, changing(a=1, b=1))
            setattr(changing, "__getstate__", lambda _: {"z": 1})  # noqa: B010
            self.assertEqual(vars(pickle.loads(pickles.dumps(changing(a=1)))), {"z": 1})

    def test_names_that_are_none(self) -> None:
        for odd in (1, ("a",), "__class__", "__dict__", "__doc__", "__weakref__", "__slots__", ""):
            pickles = Pickles()
            for _ in range(2):
                entity = Bag(a=1)
                vars(entity)[odd] = 2  # type: ignore[index]
                written = pickles.dumps(entity)
                self.assertEqual(vars(pickle.loads(written)), {"a": 1, odd: 2})
                self.assertEqual(vars(pickles.loads(written)), {"a": 1, odd: 2})

    def test_one_that_is_referred_to_weakly(self) -> None:
        entity: Any = Bag(child=Refers())
        entity.child.owner = entity
        again: Any = Pickles.loads(Pickles().dumps(entity))
        self.assertIs(again.child.weakly(), again)

    def test_objects_in_objects_and_circles(self) -> None:
        pickles = Pickles()
        self.same(pickles, Bag(a=Bag(a=Other(b=[Bag(a=1)])), b=(Other(), Other(b=1))))
        circle = Bag(a=1)
        circle.me = [circle]  # type: ignore[attr-defined]
        again: Any = pickles.loads(pickles.dumps(circle))
        self.assertIs(again.me[0], again)

    def test_long_ones_and_such_as_cannot_be_pickled(self) -> None:
        pickles = Pickles()
        for _ in range(2):
            self.same(pickles, Bag(a=b"x" * 200_000, b=["y" * 70_000, *range(50_000)]))
            self.same(pickles, Bag(a=1, b=2))
            with self.assertRaisesRegex(Exception, "pickle"):
                pickles.dumps(Bag(a=b"x" * 100_000, b=lambda: 1))
            with self.assertRaisesRegex(Exception, "pickle"):
                pickles.dumps(Bag(a=1, b=lambda: 1))
            self.same(pickles, Bag(a=1, b=2))


@unittest.skipUnless(LATE, "objects are as quick with a dictionary")
class WithoutATrace(unittest.TestCase):
    def test_entities_get_no_dictionary(self) -> None:
        """But for the first, of which the names are learned."""
        for cls, given in ((Bag, {"a": 1, "b": "x"}), (Bag, {"a": {}}), (Defaults, {"n": 1, "name": "x"})):
            pickles = Pickles()
            entities = [cls(**given) for _ in range(5)]
            written = [pickles.dumps(entity) for entity in entities]
            self.assertEqual([has_dictionary(entity) for entity in entities], [True] + 4 * [False], cls)
            self.assertFalse(has_dictionary(pickles.loads(written[0])))
            self.assertFalse(has_dictionary(pickles.loads(written[1])))

    def test_nothing_of_an_entity_is_kept(self) -> None:
        pickles = Pickles()
        entity = Bag(a=["x"])
        pickles.dumps(Bag(a=1))
        before = sys.getrefcount(entity), sys.getrefcount(entity.a)  # type: ignore[attr-defined]
        pickles.dumps(entity)
        self.assertEqual((sys.getrefcount(entity), sys.getrefcount(entity.a)), before)  # type: ignore[attr-defined]


if __name__ == "__main__":
    unittest.main()
