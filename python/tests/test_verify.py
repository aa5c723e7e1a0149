"""What `verify_step` finds in a step, and that it finds nothing in a right one; objects compared by what they hold."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import pickle
import threading
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import wallaroo
from wallaroo._alike import difference, shared
from wallaroo.testing import StepFailed, verify_step


class Plain:
    """What most users write: no == and no repr."""

    def __init__(self, *held: object) -> None:
        self.held = held


class Slotted:
    __slots__ = ("__private", "held")

    def __init__(self, held: object) -> None:
        self.held = held
        self.__private = held


@dataclass
class Data:
    held: object
    more: list[object] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    held: object


class Named(NamedTuple):
    held: object


class Own(dict[str, int]):
    def __init__(self, mark: str = "") -> None:
        super().__init__(a=1)
        self.mark = mark


class Counts:
    def __init__(self) -> None:
        self.counts: dict[str, int] = {}


class OfKey(Counts):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class Forgets:
    """A state that forgets a part of itself when it is pickled."""

    def __init__(self) -> None:
        self.count = 0
        self.lost = 0

    def __getstate__(self) -> dict[str, int]:
        return {"count": self.count, "lost": 0}


class Locked:
    def __init__(self) -> None:
        self.lock = threading.Lock()


class Traps:
    def __setstate__(self, state: object) -> None:
        raise ValueError("not again")

    def __init__(self) -> None:
        self.count = 0


class Where:
    """A message whose key is where it lies in memory."""


@wallaroo.computation(name="double")
def double(number: int) -> int:
    return 2 * number


@wallaroo.computation_multi(name="up to")
def up_to(number: int) -> Iterator[Plain]:
    for n in range(number):
        yield Plain(n)


@wallaroo.state_computation(name="count")
def count(word: str, state: Counts) -> tuple[Plain, bool]:
    state.counts[word] = state.counts.get(word, 0) + 1
    return Plain(word, state.counts[word]), True


@wallaroo.state_computation_multi(name="counts")
def counts(word: str, state: Counts) -> tuple[list[tuple[str, int]], bool]:
    state.counts[word] = state.counts.get(word, 0) + 1
    return list(state.counts.items()), True


@wallaroo.state_computation(name="itself")
def itself(word: str, state: Counts) -> tuple[Counts, bool]:
    state.counts[word] = 1
    return state, True


@wallaroo.state_computation(name="lost")
def lost(word: str, state: Forgets) -> tuple[int, bool]:
    state.lost += 1
    return state.lost, True


@wallaroo.partition
def letter(word: str) -> str:
    return word[0]


@wallaroo.partition
def place(message: object) -> int:
    return id(message)


class RightSteps(unittest.TestCase):
    def test_give_their_outputs(self) -> None:
        self.assertEqual(verify_step(double, [1, 2]), [2, 4])
        self.assertEqual([len(outputs) for outputs in verify_step(up_to, [1, 0, 2])], [1, 0, 2])
        outputs = verify_step(count, ["a", "b", "a"], state_class=Counts)
        self.assertEqual([output.held for output in outputs], [("a", 1), ("b", 1), ("a", 2)])
        found = verify_step(counts, ["ab", "c", "aa"], state_class=OfKey, partition_function=letter)
        self.assertEqual(found, [[("ab", 1)], [("c", 1)], [("ab", 1), ("aa", 1)]])

    def test_may_return_their_state(self) -> None:
        self.assertEqual(len(verify_step(itself, ["a", "b"], state_class=Counts)), 2)

    def test_may_forget_what_they_did_not_change(self) -> None:
        @wallaroo.state_computation(name="caches")
        def caches(word: str, state: Forgets) -> tuple[int, bool]:
            state.lost += 1
            return state.count, False

        self.assertEqual(verify_step(caches, ["a", "b"], state_class=Forgets), [0, 0])

    def test_may_have_a_serializer_of_their_own(self) -> None:
        def serialize(value: object) -> bytes:
            return pickle.dumps(None if isinstance(value, Locked) else value)

        def deserialize(data: bytes) -> object:
            value = pickle.loads(data)
            return Locked() if value is None else value

        @wallaroo.state_computation(name="locks")
        def locks(word: str, state: Locked) -> tuple[str, bool]:
            with state.lock:
                return word, True

        found = verify_step(locks, ["a"] * 2, state_class=Locked, serialize=serialize, deserialize=deserialize)
        self.assertEqual(found, ["a", "a"])


class WrongSteps(unittest.TestCase):
    def finds(self, call: Callable[[], object], *parts: str) -> None:
        with self.assertRaises(StepFailed) as caught:
            call()
        for part in parts:
            self.assertIn(part, str(caught.exception))

    def test_lose_something_when_pickled(self) -> None:
        def call() -> object:
            return verify_step(lost, ["a", "b"], state_class=Forgets)

        self.finds(call, "lost, a @wallaroo.state_computation, message 2, 'b'", "int 2 without", "int 1 with")

        def by_key() -> object:
            return verify_step(lost, ["a", "b", "bc"], state_class=Forgets, partition_function=letter)

        self.finds(by_key, "message 3, 'bc', key 'b'", "int 2 without", "int 1 with")

    def test_tell_where_outputs_differ(self) -> None:
        @wallaroo.state_computation(name="deep")
        def deep(word: str, state: Forgets) -> tuple[Plain, bool]:
            state.lost += 1
            return Plain({"a": [word, Data(state.lost)]}), True

        self.finds(
            lambda: verify_step(deep, ["a", "b"], state_class=Forgets),
            "output.held[0]['a'][1].held is",
            "int 2 without",
        )

    def test_lose_something_of_a_message(self) -> None:
        @wallaroo.computation(name="look")
        def look(message: Forgets) -> int:
            return message.lost

        message = Forgets()
        message.lost = 3
        self.finds(lambda: verify_step(look, [message]), "after the message was pickled", "int 3 without", "int 0 with")

    def test_share_parts_with_their_state(self) -> None:
        @wallaroo.state_computation(name="shares")
        def shares(word: str, state: Counts) -> tuple[dict[str, Any], bool]:
            state.counts[word] = 1
            return {"all": state.counts}, True

        @wallaroo.state_computation_multi(name="itself, of several")
        def several(word: str, state: Counts) -> tuple[list[Counts], bool]:
            return [state], True

        self.finds(
            lambda: verify_step(shares, ["a"], state_class=Counts), "output['all'] is state.counts, the dict {'a': 1}"
        )
        self.finds(lambda: verify_step(several, ["a"], state_class=Counts), "output[0] is state", "a copy")

    def test_change_state_and_say_they_did_not(self) -> None:
        @wallaroo.state_computation(name="denies")
        def denies(word: str, state: Counts) -> tuple[str, bool]:
            state.counts[word] = state.counts.get(word, 0) + 1
            return word, len(state.counts) > 1

        def call() -> object:
            return verify_step(denies, ["a", "a"], state_class=Counts)

        self.finds(call, "message 1", "returned False for changed", "state.counts", "return True")

    def test_have_state_that_cannot_be_pickled(self) -> None:
        @wallaroo.state_computation(name="any")
        def with_any(word: str, state: object) -> tuple[str, bool]:
            return word, True

        self.finds(
            lambda: verify_step(with_any, ["a"], state_class=Locked), "its state cannot be pickled", "_thread.lock"
        )
        self.finds(lambda: verify_step(with_any, ["a"], state_class=Traps), "cannot be restored", "not again")
        raises: Any = {"state_class": lambda: 1 // 0}
        self.finds(lambda: verify_step(with_any, ["a"], **raises), "making the entity failed", "ZeroDivisionError")

    def test_have_messages_that_cannot_be_pickled(self) -> None:
        @wallaroo.computation(name="any")
        def any_message(message: object) -> int:
            return 1

        self.finds(lambda: verify_step(any_message, [1, Locked()]), "message 2", "cannot be pickled and restored")

    def test_have_keys_that_do_not_stay(self) -> None:
        calls = iter(range(9))

        @wallaroo.partition
        def counter(message: object) -> int:
            return next(calls)

        @wallaroo.partition
        def no_key(message: object) -> Any:
            return 0.5

        def call(partition: Any) -> Callable[[], object]:
            return lambda: verify_step(itself, [Where()], state_class=Counts, partition_function=partition)

        self.finds(call(counter), "counter returned 0, and 1 when asked again")
        self.finds(call(place), "its key is not always the same", "after the message was pickled and restored")
        self.finds(call(no_key), "no_key: got float 0.5, which cannot be a key")

    def test_raise_or_return_wrongly(self) -> None:
        @wallaroo.computation(name="raises")
        def raises(number: int) -> float:
            return 1 / number

        @wallaroo.computation_multi(name="text")
        def text(number: int) -> str:
            return "abc"

        @wallaroo.state_computation(name="no pair")
        def no_pair(number: int, state: Counts) -> Any:
            return number, "yes"

        self.finds(lambda: verify_step(raises, [1, 0]), "message 2, 0:", "ZeroDivisionError", "test_verify.py")
        self.finds(lambda: verify_step(text, [1]), "got str 'abc'")
        self.finds(lambda: verify_step(no_pair, [1], state_class=Counts), "(output, changed)")

    def test_are_wrong_arguments(self) -> None:
        text: Any = "12"
        calls: list[tuple[Callable[[], object], str]] = [
            (lambda: verify_step(len, []), "must be a computation"),  # type: ignore[call-overload]
            (lambda: verify_step(double, text), "messages must be a list"),
            (lambda: verify_step(count, []), "give state_class=CLASS"),  # type: ignore[call-overload]
            (lambda: verify_step(double, [], state_class=Counts), "has no state"),  # type: ignore[call-overload]
            (
                lambda: verify_step(counts, [], state_class=OfKey),
                (
                    r"^the constructor of OfKey requires \(key\), but here is one entity in all, and no key; "
                    "give partition_function=FUNCTION, as in to_state_partition, which tells the key of a message, or "
                    "give key a default$"
                ),
            ),
            (
                lambda: verify_step(double, [1, None]),  # type: ignore[misc]
                "^message 2 is None, which no step .*; leave it out$",
            ),
            (lambda: verify_step(double, [], serialize=pickle.dumps), "two functions"),
        ]
        for call, told in calls:
            with self.subTest(told), self.assertRaisesRegex(TypeError, told):
                call()


class Starting(unittest.TestCase):
    def test_is_what_the_state_class_makes(self) -> None:
        def forty(key: str) -> Counts:
            state = Counts()
            state.counts[key] = 40
            return state

        outputs = verify_step(counts, ["a", "b", "a"], state_class=forty, partition_function=letter)
        self.assertEqual(outputs, [[("a", 41)], [("b", 41)], [("a", 42)]])


class Colour(enum.Enum):
    RED = 1


class Alike(unittest.TestCase):
    def test_are_objects_that_were_pickled(self) -> None:
        cycle: list[object] = [1]
        cycle.append(cycle)
        things: list[object] = [
            None, 1, "a", b"a", 1.5, float("nan"), Colour.RED, Plain, len, range(3), bytearray(b"a"),
            [1, Plain(2)], (Plain(1),), {"a": Plain(1)}, {1, 2}, frozenset({Frozen(1)}), {Plain(1), Plain(2)},
            collections.deque([Plain(1)]), collections.defaultdict(list, a=[Plain(1)]), collections.Counter("aab"),
            datetime.datetime(2020, 1, 1), decimal.Decimal("1.5"), fractions.Fraction(1, 3),
            Plain(1, Plain(2)), Slotted(Plain(1)), Data(Plain(1), [Plain(1)]), Frozen(Plain(1)), Named(Plain(1)),
            Own("m"), {Plain(1): 1}, object(), cycle,
        ]  # fmt: skip
        for thing in things:
            with self.subTest(thing):
                found = difference("it", thing, pickle.loads(pickle.dumps(thing)))
                if isinstance(thing, dict) and any(isinstance(key, Plain) for key in thing):
                    self.assertIsNotNone(found)  # such a key would not be found again
                else:
                    self.assertIsNone(found)

    def test_are_not_those_that_differ_somewhere(self) -> None:
        for one, other, path in (
            (1, True, "it"),
            (1, 1.0, "it"),
            ([1], (1,), "it"),
            ([1, 2], [1], "it"),
            ({"a": 1}, {"a": 2}, "it['a']"),
            ({"a": 1}, {"b": 1}, "it"),
            ({1}, {2}, "it"),
            ({Plain(1)}, {Plain(2)}, "it"),
            (Plain(1), Plain(2), "it.held[0]"),
            (Slotted([1]), Slotted([2]), "it._Slotted__private[0]"),
            (Data(1), Data(2), "it.held"),
            (Own("m"), Own("n"), "it.mark"),
            (Named(Plain(1)), Named(Plain(2)), "it[0].held[0]"),
            (datetime.date(2020, 1, 1), datetime.date(2020, 1, 2), "it"),
            (Plain(float("nan"), 1), Plain(float("nan"), 2), "it.held[1]"),
        ):
            with self.subTest(one=one):
                found = difference("it", one, other)
                assert found is not None
                self.assertEqual(found.path, path)

    def test_may_have_an_equality_that_raises(self) -> None:
        class Array(Plain):
            def __eq__(self, other: object) -> bool:
                raise ValueError("ambiguous")

            __hash__ = None  # type: ignore[assignment]

        self.assertIsNone(difference("it", Array(1), Array(1)))
        self.assertIsNotNone(difference("it", Array(1), Array(2)))


class Shared(unittest.TestCase):
    def test_is_what_can_change(self) -> None:
        things: list[object] = [[], {}, set(), bytearray(), collections.deque(), Plain(), Data(1), Slotted(1), Own()]
        for thing in things:
            with self.subTest(type(thing).__name__):
                found = shared("one", [1, (thing,)], "other", Plain({"a": thing}))
                assert found is not None
                self.assertEqual((found[:2], found[2] is thing), (("one[1][0]", "other.held[0]['a']"), True))

    def test_is_not_what_cannot(self) -> None:
        things = (1, "a", (1, "a"), None, Colour.RED, Plain, len, datetime.date(2020, 1, 1), fractions.Fraction(1, 3))
        for thing in (*things, Frozen(1), Named(1), frozenset({1}), decimal.Decimal(1)):
            with self.subTest(type(thing).__name__):
                self.assertIsNone(shared("one", [thing], "other", Plain(thing)))

    def test_is_not_what_only_looks_alike(self) -> None:
        self.assertIsNone(shared("one", [[1], {}], "other", Plain([1], {})))


if __name__ == "__main__":
    unittest.main()
