"""Messages that cannot go to another process, or cannot be read there, cost themselves alone."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import pathlib
import pickle
import unittest
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import wallaroo
from semantics import own_deserialize, own_serialize
from semantics_parts import PIPELINES, Traveller
from staging import Count, Running, Several, build
from wallaroo._keys import canonical, partition_of
from wallaroo._pieces import _read_alone, taken_apart
from wallaroo._protocol import ProtocolError
from wallaroo._results import PICKLE, Serializer

OWN = Serializer(own_serialize, own_deserialize)


class Colour(enum.Enum):
    RED = 1


@dataclass
class Point:
    x: int
    more: list[object] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fixed:
    x: int


class Words(list[str]):
    tag = ""


class Named(dict[str, object]):
    pass


class Refusing(Exception):
    """Cannot be made again of its args, as exceptions with a constructor of their own."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


class Keywords(str):
    """Is made by __new__ with a keyword."""

    def __new__(cls, text: str, *, suffix: str) -> Keywords:
        return super().__new__(cls, text + suffix)

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, str]]:
        return (str(self)[:-1],), {"suffix": str(self)[-1]}


class BySetter:
    """Gives the state by a function of its own."""

    n = 0

    def __reduce__(self) -> Any:
        return BySetter, (), {"n": 5}, None, None, set_state


def set_state(target: Any, state: dict[str, object]) -> None:
    vars(target).update(state)


def tagged(*words: str) -> Words:
    made = Words(words)
    made.tag = "tag"
    return made


def circle() -> Point:
    point = Point(1)
    point.more.append(point)
    return point


SHARED = Point(7)
VALUES: list[Any] = [
    *("a", b"b", 1, 1.5, None, True, (), ("a", ("b",)), [1, [2]], {"a": {1, 2}}, frozenset({3}), bytearray(b"x")),
    *(Point(1, [Fixed(2)]), Fixed(3), tagged("a", "b"), Named(a=1), Keywords("ab", suffix="!")),
    *(Colour.RED, decimal.Decimal("1.5"), datetime.datetime(2020, 1, 2), pathlib.PurePosixPath("/a"), 1j),
    *(collections.OrderedDict(b=1, a=2), collections.deque([1, 2], 3), collections.Counter("aab")),
    *(collections.defaultdict(list, a=[1]), range(3), Point, len, partial(Point, 5).func, {Fixed(1): Fixed(2)}),
    *((SHARED, SHARED), [SHARED], ValueError("v")),
]


class TakenApart(unittest.TestCase):
    def alone(self, *values: object) -> list[object]:
        """Each value of a piece read by itself; what is raised where it cannot be."""
        keys, written = taken_apart(PICKLE.pack(list(range(len(values))), values))
        self.assertEqual(list(keys), list(range(len(values))))
        return [self.read(data) for data in written]

    def read(self, data: bytes | None) -> object:
        try:
            return _read_alone(LookupError("none"), data)
        except Exception as error:  # noqa: BLE001
            return error

    def test_every_value_is_what_it_was(self) -> None:
        for value, read in zip(VALUES, self.alone(*VALUES), strict=True):
            with self.subTest(value=value):
                self.assertIs(type(read), type(value))
                self.assertEqual(repr(read), repr(value))
                self.assertEqual(getattr(read, "__dict__", None), getattr(value, "__dict__", None))

    def test_a_value_may_hold_itself(self) -> None:
        made: Any = self.alone(circle(), 1)[0]
        self.assertIs(made.more[0], made)

    def test_what_is_shared_within_a_value_stays_so(self) -> None:
        pair: Any = self.alone((SHARED, SHARED), 1)[0]
        self.assertIs(pair[0], pair[1])

    def test_those_that_hold_what_cannot_be_read_are_lost_and_no_others(self) -> None:
        bad = Refusing(1, 2)
        read = self.alone("a", bad, [SHARED, bad], SHARED, {"a": (bad,)}, "b")
        lost = [isinstance(value, TypeError) for value in read]
        self.assertEqual(lost, [False, True, True, False, True, False])
        self.assertEqual(read[3], SHARED)

    def test_where_a_call_has_no_result_nothing_wrong_is_made(self) -> None:
        self.assertEqual(pickle.loads(pickle.dumps(BySetter())).n, 5)
        self.assertTrue(all(isinstance(value, LookupError) for value in self.alone("a", BySetter(), Refusing(1, 2))))

    def test_what_is_no_piece_is_against_the_protocol(self) -> None:
        for data in (b"", b"no pickle", pickle.dumps(5)):
            with self.assertRaises(ProtocolError):
                taken_apart(data)


class Travelling(unittest.TestCase):
    """Each word is the key of a message; of two executors, words come in at the one that does not own them."""

    words = ("a", "cannot be read 1", "b", "cannot leave 1", "c", "cannot be read 2", "d")

    def test_what_cannot_go_or_be_read_costs_itself_alone(self) -> None:
        for serializer in (PICKLE, OWN):
            several = Several(build(PIPELINES["travel"]), 2, serializer)
            for at in (0, 1):
                several.process(*(word for word in self.words if self.owner(word) != at), at=at)
            self.assertEqual(sorted(several.sent), ["a", "b", "c", "d"])
            self.assertEqual(sorted(str(told["key"]) for told in several.told), sorted(map(repr, self.words[1::2])))
            self.assertEqual({told["step"] for told in several.told}, {"p/arrive"})
            for told in several.told:
                self.assertIn(", in pack_up\n    def pack_up(", str(told["traceback"]))

    def owner(self, word: str) -> int:
        return partition_of(canonical(word), 16) * 2 // 16

    def test_they_have_come_to_the_step_and_go_no_further(self) -> None:
        application = build(lambda builder: PIPELINES["travel"](builder) and builder.to_stateful(more, Count, "more"))
        here, there = Running(application, (0, [1] * 16)), Running(application, (1, [1] * 16))
        here.process("a", "cannot be read 1", "b")
        there.packed(1, *(piece for _, _, piece in here.out.exchanged))
        self.assertEqual(there.entered, {2: 3, 3: 2})
        self.assertEqual([(index, step) for index, step, *_ in there.out.failures], [(1, "p/arrive")])

    def test_several_pieces_keep_their_order(self) -> None:
        application = build(PIPELINES["travel"])
        here, there = Running(application, (0, [1] * 16)), Running(application, (1, [1] * 16))
        for word in ("a", "cannot be read 1", "b", "cannot be read 2", "c"):
            here.process(word)
        pieces = [piece for _, _, piece in here.out.exchanged]
        self.assertEqual(there.packed(1, *pieces), ["a", "b", "c"])
        self.assertEqual([index for index, *_ in there.out.failures], [1, 3])

    def test_whatever_a_serializer_raises(self) -> None:
        def serialize(value: Traveller) -> Any:
            if value.words == "exit":
                raise SystemExit("bye")
            return value.words if value.words == "text" else value.words.encode()

        def deserialize(data: bytes) -> Traveller:
            if data == b"recurse":
                return deserialize(data)
            return Traveller(data.decode())

        several = Several(build(PIPELINES["travel"]), 2, Serializer(serialize, deserialize))  # type: ignore[arg-type]
        words = ("a", "exit", "text", "recurse")
        for at in (0, 1):
            several.process(*(word for word in words if self.owner(word) != at), at=at)
        self.assertEqual(several.sent, ["a"])
        errors = {str(told["key"]): str(told["error"]) for told in several.told}
        self.assertIn("which cannot go to another executor; SystemExit: bye", errors["'exit'"])
        self.assertEqual(errors["'text'"], "got str 'text' from serialize; it returns bytes")
        self.assertRegex(
            errors["'recurse'"],
            r"^got a message of p/pack up that cannot be read in another process \(RecursionError: [a-z ]+\): "
            "let deserialize read what serialize returns$",
        )


@wallaroo.state_computation(name="more")
def more(word: str, state: Count) -> tuple[str, bool]:
    return word, False


if __name__ == "__main__":
    unittest.main()
