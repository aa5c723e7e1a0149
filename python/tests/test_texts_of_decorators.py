"""What is written wrongly in decorators and on the command line, and the exact words about it."""

from __future__ import annotations

import re
import unittest
from collections.abc import Iterator
from typing import Any

import wallaroo
from parts import Mistake, Shout, plain, upper

W: Any = wallaroo  # without types, to be given what mypy would refuse


def two(data: object, more: object) -> object:
    return data


def yields(data: object, state: object = None) -> Iterator[object]:
    yield data


async def later(data: object) -> object:
    return data


DECORATED: list[Mistake] = [
    Mistake(
        lambda: W.computation(plain),
        ('@wallaroo.computation needs a name; write @wallaroo.computation(name="plain") above "def plain"'),
    ),
    Mistake(
        lambda: W.state_computation(two),
        ('@wallaroo.state_computation needs a name; write @wallaroo.state_computation(name="two") above "def two"'),
    ),
    Mistake(
        lambda: W.state_computation_multi(two),
        (
            "@wallaroo.state_computation_multi needs a name; write "
            '@wallaroo.state_computation_multi(name="two") above "def two"'
        ),
    ),
    Mistake(
        lambda: W.decoder(plain),
        (
            "@wallaroo.decoder needs header_length and length_fmt; write "
            '@wallaroo.decoder(header_length=4, length_fmt=">I") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.decoder(4)(plain),
        (
            "@wallaroo.decoder: missing a required argument: 'length_fmt'; write "
            '@wallaroo.decoder(header_length=4, length_fmt=">I") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.partition()(plain),
        ('@wallaroo.partition stands without parentheses; write @wallaroo.partition above "def plain"'),
    ),
    Mistake(
        lambda: W.encoder(name="x")(plain),
        (
            "@wallaroo.encoder: missing a required argument: 'header_length'; write @wallaroo.encoder, or "
            '@wallaroo.encoder(header_length=4, length_fmt=">I"), above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.computation(nmae="x")(plain),
        (
            "@wallaroo.computation: missing a required argument: 'name'; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.computation("x")(Shout),
        (
            "@wallaroo.computation decorates a function, not the class Shout; write "
            '@wallaroo.computation(name="Shout") above "def Shout"'
        ),
    ),
    Mistake(
        lambda: W.computation("x")(two),
        ('@wallaroo.computation calls two(data), but the function is two(data, more); write "def two(data)"'),
    ),
    Mistake(
        lambda: W.state_computation("x")(lambda data: data),
        (
            "@wallaroo.state_computation calls <lambda>(data, state), but the function is <lambda>(data); write "
            '"lambda data, state: ..."'
        ),
    ),
    Mistake(
        lambda: W.computation(lambda data: data),
        (
            '@wallaroo.computation needs a name; write "def NAME(data)" in place of the lambda, with '
            '@wallaroo.computation(name="NAME") above it'
        ),
    ),
    Mistake(
        lambda: W.state_computation("x")(plain),
        (
            "@wallaroo.state_computation calls plain(data, state), but the function is plain(data); write "
            '"def plain(data, state)"'
        ),
    ),
    Mistake(
        lambda: W.computation("x")(yields),
        (
            "@wallaroo.computation needs what yields returns, but it yields; write "
            '@wallaroo.computation_multi(name="...") if it has several results'
        ),
    ),
    Mistake(
        lambda: W.state_computation("x")(yields),
        ('@wallaroo.state_computation needs what yields returns, but it yields; write "return output, changed"'),
    ),
    Mistake(
        lambda: W.state_computation_multi("x")(yields),
        (
            '@wallaroo.state_computation_multi needs what yields returns, but it yields; write "return '
            'outputs, changed" with a list of outputs'
        ),
    ),
    Mistake(
        lambda: W.partition(yields),
        ('@wallaroo.partition needs what yields returns, but it yields; write "return"'),
    ),
    Mistake(
        lambda: W.computation("x")(later),
        ('@wallaroo.computation cannot call later, which is async; write "def later" without async'),
    ),
    Mistake(
        lambda: W.computation("")(plain),
        (
            "@wallaroo.computation is wrong here: its name must not be empty; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.computation(3)(plain),
        (
            "@wallaroo.computation is wrong here: its name must be a str, not the int 3; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.encoder(upper),
        (
            "@wallaroo.encoder decorates a function, not upper, a @wallaroo.computation; write "
            '@wallaroo.encoder above "def upper"'
        ),
    ),
    Mistake(
        lambda: W.decoder(4, ">H")(plain),
        (
            "@wallaroo.decoder: header_length is 4, but length_fmt '>H' describes 2 bytes; write for example "
            '@wallaroo.decoder(header_length=4, length_fmt=">I")'
        ),
    ),
    Mistake(
        lambda: W.decoder(0, ">I")(plain),
        (
            "@wallaroo.decoder: header_length must be an int from 1 to 4096, not the int 0; write for "
            'example @wallaroo.decoder(header_length=4, length_fmt=">I")'
        ),
    ),
    Mistake(
        lambda: W.encoder(4, ">H")(plain),
        (
            "@wallaroo.encoder: header_length is 4, but length_fmt '>H' describes 2 bytes; write for example "
            '@wallaroo.encoder(header_length=4, length_fmt=">I")'
        ),
    ),
    Mistake(
        lambda: W.encoder(header_length=4)(plain),
        (
            "@wallaroo.encoder: missing a required argument: 'length_fmt'; write @wallaroo.encoder, or "
            '@wallaroo.encoder(header_length=4, length_fmt=">I"), above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.decoder(4, ">f")(plain),
        (
            "@wallaroo.decoder: length_fmt '>f' must be a format of the module struct with exactly one "
            "integer, one of bBhHiIlLqQnN, and for the rest pad bytes (x); write for example "
            '@wallaroo.decoder(header_length=4, length_fmt=">I")'
        ),
    ),
]

ADDRESSES: list[Mistake] = [
    Mistake(
        lambda: W.tcp_parse_input_addrs([]),
        ("the argument --in is missing; give for example --in 127.0.0.1:7010"),
    ),
    Mistake(
        lambda: W.tcp_parse_output_addrs(["--out", "7002"]),
        ("the address '7002' of --out is not HOST:PORT or [IPV6]:PORT; give for example --out 127.0.0.1:7002"),
    ),
    Mistake(
        lambda: W.tcp_parse_output_addrs(["--out", "h:x"]),
        (
            "the address 'h:x' of --out has a port that is not a number from 0 to 65535; give for example "
            "--out 127.0.0.1:7002"
        ),
    ),
]


class Texts(unittest.TestCase):
    def test_of_what_is_decorated(self) -> None:
        for mistake in DECORATED:
            with self.subTest(mistake.says):
                decorated: Any = mistake.write()
                [told] = decorated.mistakes
                self.assertRegex(told, rf"^{re.escape(__file__)}:\d+: ")
                self.assertEqual(told.partition(": ")[2], mistake.says)

    def test_of_addresses(self) -> None:
        for mistake in ADDRESSES:
            with self.subTest(mistake.says), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                mistake.write()
            self.assertEqual(str(caught.exception), mistake.says)


if __name__ == "__main__":
    unittest.main()
