"""What the decorators of steps make of functions, and what they refuse."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import sys
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import wallaroo

W: Any = wallaroo  # without types, to be given what mypy would refuse


class Totals:
    def __init__(self) -> None:
        self.seen = 0


@wallaroo.computation(name="double it")
def double(data: int) -> int:
    """Twice the data."""
    return 2 * data


@wallaroo.computation_multi(name="split into words")
def split(data: str) -> list[str]:
    return data.split()


@wallaroo.computation_multi(name="count up")
def count_up(data: int) -> Iterator[int]:
    yield from range(data)


@wallaroo.state_computation(name="Count")
def count(data: str, totals: Totals) -> tuple[int, bool]:
    totals.seen += 1
    return totals.seen, True


@wallaroo.state_computation_multi(name="Repeat")
def repeat(data: str, totals: Totals) -> tuple[list[str], bool]:
    return [data] * totals.seen, False


@wallaroo.partition
def first_letter(data: str) -> str:
    return data[0]


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.encoder
def encoder(data: object) -> bytes | None:
    return str(data).encode() if data else None


class Holder:
    @staticmethod
    @wallaroo.computation(name="held")
    def held(data: int) -> int:
        return -data


ALL = (double, split, count_up, count, repeat, first_letter, decoder, encoder)


class DecoratedFunctions(unittest.TestCase):
    def test_stay_callable(self) -> None:
        totals = Totals()
        self.assertEqual(double(4), 8)
        self.assertEqual(split("a b"), ["a", "b"])
        self.assertEqual(list(count_up(3)), [0, 1, 2])
        self.assertEqual(count("a", totals), (1, True))
        self.assertEqual(repeat("a", totals), (["a"], False))
        self.assertEqual(first_letter("abc"), "a")
        self.assertEqual(decoder(b"abc"), "abc")
        self.assertEqual(encoder(7), b"7")
        self.assertIsNone(encoder(0))

    def test_are_called_by_keyword_like_their_function(self) -> None:
        self.assertEqual(double(data=4), 8)
        with self.assertRaisesRegex(TypeError, r"^count\(\) missing 1 required positional argument: 'totals'$"):
            count("a")  # type: ignore[call-arg]

    def test_have_a_name_and_the_bare_function(self) -> None:
        self.assertEqual(double.name, "double it")
        self.assertEqual(
            [decorated.name for decorated in (first_letter, decoder, encoder)],
            [
                "first_letter",
                "decoder",
                "encoder",
            ],
        )
        for decorated in ALL:
            self.assertTrue(inspect.isfunction(decorated.function), decorated)

    def test_look_like_their_function(self) -> None:
        self.assertEqual(double.__doc__, "Twice the data.")
        self.assertEqual(double.__name__, "double")
        self.assertEqual(double.__qualname__, "double")
        self.assertEqual(double.__module__, __name__)
        self.assertIs(double.__wrapped__, double.function)
        self.assertEqual(str(inspect.signature(count)), "(data: 'str', totals: 'Totals') -> 'tuple[int, bool]'")

    def test_pickle_as_a_reference(self) -> None:
        for decorated in (*ALL, Holder.held):
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                self.assertIs(pickle.loads(pickle.dumps(decorated, protocol)), decorated)
            self.assertIs(copy.deepcopy(decorated), decorated)

    def test_do_not_change(self) -> None:
        for decorated in ALL:
            with self.assertRaises(AttributeError):
                decorated.name = "other"
            with self.assertRaises(AttributeError):
                del decorated.function
            self.assertNotEqual(decorated.name, "other")

    def test_are_shown_with_name_and_function(self) -> None:
        self.assertEqual(repr(double), "<Computation 'double it' of double>")

    def test_may_take_what_has_a_default(self) -> None:
        def add(data: int, more: int = 1) -> int:
            return data + more

        def add_all(*data: int) -> int:
            return sum(data)

        self.assertEqual(wallaroo.computation("add")(add)(1), 2)
        self.assertEqual(wallaroo.computation("add all")(add_all)(1), 1)

    def test_may_be_functions_without_a_signature(self) -> None:
        largest: Callable[[list[int]], int] = max
        self.assertEqual(wallaroo.computation("largest")(largest)([1, 3, 2]), 3)


class RefusedFunctions(unittest.TestCase):
    def assert_refused(self, decorate: Callable[..., object], function: object, *parts: str) -> None:
        decorated: Any = decorate(function)
        with self.assertRaises(wallaroo.WallarooParameterError) as caught:
            decorated("any", number="of arguments")
        self.assertEqual(caught.exception.mistakes, decorated.mistakes)
        self.assertEqual(str(caught.exception), "\n".join(decorated.mistakes))
        for part in parts:
            self.assertIn(part, str(caught.exception))

    def test_are_told_with_the_line_of_the_decorator(self) -> None:
        @wallaroo.computation(name="two")  # type: ignore[arg-type]
        def two(data: int, more: int) -> None: ...

        line = two.__wrapped__.__code__.co_firstlineno + (
            sys.version_info < (3, 11)
        )  # or that of "def", in old Pythons
        self.assertEqual([mistake.partition(": ")[0] for mistake in two.mistakes], [f"{__file__}:{line}"])

    def test_wrong_number_of_arguments(self) -> None:
        def nothing() -> None: ...
        def two(data: int, more: int) -> None: ...
        def by_name(data: int, *, more: int) -> None: ...

        calls = '@wallaroo.computation calls two(data), but the function is two(data, more); write "def two(data)"'
        self.assert_refused(wallaroo.computation("x"), two, calls)
        self.assert_refused(wallaroo.computation("x"), nothing, "nothing()")
        self.assert_refused(wallaroo.computation_multi("x"), by_name, "by_name(data, *, more)")
        self.assert_refused(wallaroo.state_computation("x"), by_name, 'write "def by_name(data, state)"')
        self.assert_refused(wallaroo.state_computation_multi("x"), nothing, 'write "def nothing(data, state)"')
        self.assert_refused(wallaroo.partition, two, "@wallaroo.partition calls two(data)")
        self.assert_refused(wallaroo.encoder, two, "@wallaroo.encoder calls two(data)")
        self.assert_refused(wallaroo.decoder(4, ">I"), two, "@wallaroo.decoder calls two(bs)")

    def test_generators_where_a_result_is_wanted(self) -> None:
        def generator(data: int, state: object = None) -> Iterator[int]:
            yield data

        self.assert_refused(wallaroo.computation("x"), generator, "generator", "@wallaroo.computation_multi")
        self.assert_refused(wallaroo.state_computation("x"), generator, '"return output, changed"')
        self.assert_refused(wallaroo.state_computation_multi("x"), generator, '"return outputs, changed" with a list')
        self.assert_refused(wallaroo.partition, generator, "yields")

    def test_async_functions(self) -> None:
        async def later(data: int) -> int:
            return data

        async def stream(data: int) -> Any:
            yield data

        self.assert_refused(wallaroo.computation("x"), later, "later, which is async")
        self.assert_refused(wallaroo.computation_multi("x"), stream, "stream, which is async")

    def test_what_is_no_function(self) -> None:
        class Split:
            def compute(self, data: str) -> list[str]:
                return data.split()

        written = '@wallaroo.computation(name="Split") above "def Split"'
        self.assert_refused(wallaroo.computation("x"), Split, "not the class Split", written)
        self.assert_refused(wallaroo.computation("x"), Split(), "not an object of class Split")
        self.assert_refused(wallaroo.computation("x"), None, "not None")
        self.assert_refused(wallaroo.partition, "x", "not the str 'x'")
        self.assert_refused(wallaroo.encoder, double, "not double, a @wallaroo.computation")

    def test_wrong_names(self) -> None:
        names: tuple[Any, ...] = ("", " ", "two\nlines", 3, None)
        for name in names:
            with self.subTest(name=name):
                self.assert_refused(wallaroo.computation(name), lambda data: data, "its name must")


class MisusedDecorators(unittest.TestCase):
    def assert_told(self, decorated: Any, message: str) -> None:
        [mistake] = decorated.mistakes
        self.assertRegex(mistake, rf"^{re.escape(__file__)}:\d+: {re.escape(message)}$")
        with self.assertRaises(wallaroo.WallarooParameterError):
            decorated("any", number="of arguments")

    def test_without_parentheses(self) -> None:
        def split(data: str) -> list[str]:
            return data.split()

        for decorator in (W.computation, W.computation_multi):
            name = f"@wallaroo.{decorator.__name__}"
            self.assert_told(decorator(split), f'{name} needs a name; write {name}(name="split") above "def split"')
        self.assert_told(
            W.decoder(lambda bs: bs),
            "@wallaroo.decoder needs header_length and length_fmt; "
            'write "def NAME(bs)" in place of the lambda, with '
            '@wallaroo.decoder(header_length=4, length_fmt=">I") above it',
        )

    def test_with_more_than_one_mistake(self) -> None:
        def generator(data: str) -> Iterator[str]:
            yield data

        self.assertEqual(len(W.computation(generator).mistakes), 2)
        self.assertEqual(len(W.computation("")(generator).mistakes), 2)
        self.assertEqual(len(W.decoder(4, ">H")(generator).mistakes), 2)

    def test_with_parentheses_that_do_not_belong(self) -> None:
        def upper(data: str) -> str:
            return data.upper()

        message = '@wallaroo.partition stands without parentheses; write @wallaroo.partition above "def upper"'
        self.assert_told(W.partition()(upper), message)

    def test_with_a_misspelt_argument(self) -> None:
        def split(data: str) -> list[str]:
            return data.split()

        message = (
            "@wallaroo.computation: missing a required argument: 'name'; "
            'write @wallaroo.computation(name="split") above "def split"'
        )
        self.assert_told(W.computation(nmae="split")(split), message)


if __name__ == "__main__":
    unittest.main()
