"""Exceptions as text: the user's lines, at most a screen, whatever is raised."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import TypeVar

import wallaroo
from wallaroo._failures import Site, failure, summary, user_traceback
from wallaroo._places import raising
from wallaroo._results import WrongResult

T = TypeVar("T")


def raised(raise_it: object) -> BaseException:
    try:
        raise_it()  # type: ignore[operator]
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("nothing was raised")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Tracebacks(unittest.TestCase):
    def test_it_ends_with_the_exception_and_has_the_line(self) -> None:
        def fail() -> None:
            raise ValueError("oops")  # this line

        text = user_traceback(raised(fail))
        self.assertTrue(text.startswith("Traceback (most recent call last):\n"), text)
        self.assertIn('raise ValueError("oops")  # this line', text)
        self.assertTrue(text.endswith("\nValueError: oops"), text)

    def test_it_ends_at_the_users_line_not_inside_the_standard_library(self) -> None:
        def fail() -> None:
            json.loads("{")  # this line

        error = raised(fail)
        text = user_traceback(error)
        self.assertIn('json.loads("{")  # this line', text)
        self.assertNotIn("decoder.py", text)
        self.assertEqual(raising(error).rpartition(":")[0], __file__)

    def test_a_cause_comes_first(self) -> None:
        def fail() -> None:
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ValueError("second") from error

        text = user_traceback(raised(fail))
        self.assertLess(text.index("KeyError"), text.index("direct cause"))
        self.assertLess(text.index("direct cause"), text.index("ValueError: second"))

    def test_a_context_is_told_unless_it_is_suppressed(self) -> None:
        def fail(suppress: bool) -> None:
            try:
                raise KeyError("first")
            except KeyError:
                if suppress:
                    raise ValueError("second") from None
                raise ValueError("second")  # noqa: B904

        for suppress, told in ((False, 2), (True, 1)):
            text = user_traceback(raised(partial(fail, suppress)))
            self.assertEqual(text.count("Traceback (most recent call last)"), told, text)

    def test_deep_stacks_and_long_texts_are_cut(self) -> None:
        def deep(n: int) -> None:
            deep(n + 1)

        text = user_traceback(raised(lambda: deep(0)))
        self.assertLess(len(text.split("\n")), 50)
        self.assertIn("RecursionError", text)
        self.assertIn("lambda: deep(0)", text)  # the first calls are told as well as the last

        def there(n: int) -> None:
            back(n)

        def back(n: int) -> None:
            there(n)

        text = user_traceback(raised(lambda: there(0)))
        self.assertLess(len(text.split("\n")), 50)
        self.assertRegex(text, r"\n  \.\.\. \d+ calls \.\.\.\n")

        def lines() -> None:
            raise ValueError("\n".join(map(str, range(1000))))

        self.assertLess(len(user_traceback(raised(lines)).split("\n")), 50)

        def long() -> None:
            raise ValueError("x" * 3_000_000)

        self.assertLess(len(user_traceback(raised(long))), 10_000)
        self.assertLess(len(summary(raised(long))), 2_000)

    def test_an_exception_whose_text_cannot_be_made(self) -> None:
        def fail() -> None:
            raise Unprintable

        self.assertIn("Unprintable", summary(raised(fail)))
        self.assertIn("Unprintable", user_traceback(raised(fail)))

    def test_a_chain_is_at_most_a_screen_and_may_be_a_circle(self) -> None:
        error = ValueError("first")
        for n in range(100):
            following = ValueError(f"number {n}")
            following.__cause__ = error
            error = following
        text = user_traceback(error)
        self.assertLess(len(text.split("\n")), 50)
        self.assertTrue(text.endswith("ValueError: number 99"), text)
        circle = ValueError("circle")
        circle.__cause__ = circle
        self.assertLess(len(user_traceback(circle).split("\n")), 50)

    def test_a_syntax_error_shows_its_place(self) -> None:
        text = user_traceback(raised(lambda: compile("x = (", "users.py", "exec")))
        self.assertIn('File "users.py", line 1', text)


def defined(data: object) -> object:
    return data


class Defined:
    pass


def unchanged(text: str) -> Callable[[T], T]:
    return lambda decorated: decorated


@wallaroo.computation(name="alone")
def alone(data: object) -> object:
    return data


@wallaroo.partition
@unchanged(
    """
def several(data):
"""
)
# def several(data):
def several(data: object) -> str:
    return str(data)


@dataclass
class Decorated:
    @staticmethod
    def method(data: object) -> object:
        return data


class Lines(unittest.TestCase):
    """The lines of the user's that belong to a wrong result, which no line of the user's raised."""

    def lines(self, error: BaseException, function: object = defined) -> str:
        return str(failure(Site("p/step", function), error)["traceback"])

    def test_are_where_the_function_of_the_step_is_defined(self) -> None:
        line = defined.__code__.co_firstlineno
        wanted = f'  File "{__file__}", line {line}, in defined\n    def defined(data: object) -> object:'
        self.assertEqual(self.lines(WrongResult("got 5")), wanted)
        self.assertEqual(self.lines(WrongResult("got 5"), wraps(defined)(lambda data: data)), wanted)

    def test_are_never_those_of_decorators_above_it(self) -> None:
        @unchanged("")
        class Local:
            text = """
not indented
"""

        told = [
            (alone, "def alone("),
            (several, "def several("),
            (Decorated, "class Decorated:"),
            (Decorated.method, "def method("),
            (Local, "class Local:"),
        ]
        for function, line in told:
            self.assertIn(f"\n    {line}", self.lines(WrongResult("got 5"), function))

    def test_or_another_function_or_class_that_gave_it(self) -> None:
        self.assertIn(", in Defined\n    class Defined:", self.lines(WrongResult("got None", Defined)))

    def test_or_nothing_where_that_is_not_known(self) -> None:
        for function in (max, partial(defined, 5), dict, None):
            self.assertEqual(self.lines(WrongResult("got 5"), function), "")

    def test_and_the_traceback_of_what_it_came_of(self) -> None:
        def fail() -> None:
            raise ValueError("oops")

        wrong = WrongResult("got 5")
        wrong.__cause__ = raised(fail)
        text = self.lines(wrong)
        self.assertTrue(text.startswith(f'  File "{__file__}", line '), text)
        self.assertTrue(text.endswith("ValueError: oops"), text)


if __name__ == "__main__":
    unittest.main()
