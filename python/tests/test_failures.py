"""Exceptions as text: the user's lines, at most a screen, whatever is raised."""

from __future__ import annotations

import unittest
from functools import partial

from wallaroo._failures import summary, user_traceback


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
        self.assertLess(len(text.split("\n")), 100)
        self.assertIn("RecursionError", text)

        def long() -> None:
            raise ValueError("x" * 3_000_000)

        self.assertLess(len(user_traceback(raised(long))), 10_000)
        self.assertLess(len(summary(raised(long))), 2_000)

    def test_an_exception_whose_text_cannot_be_made(self) -> None:
        def fail() -> None:
            raise Unprintable

        self.assertIn("Unprintable", summary(raised(fail)))
        self.assertIn("Unprintable", user_traceback(raised(fail)))

    def test_a_syntax_error_shows_its_place(self) -> None:
        text = user_traceback(raised(lambda: compile("x = (", "users.py", "exec")))
        self.assertIn('File "users.py", line 1', text)


if __name__ == "__main__":
    unittest.main()
