"""The framing that decoders and encoders derive from header_length and length_fmt, against the module struct itself."""

from __future__ import annotations

import itertools
import struct
import sys
import unittest
from typing import Any, Literal

import wallaroo
from wallaroo._codec import LONGEST_HEADER, Framing

W: Any = wallaroo  # without types, to be given what mypy would refuse
ORDERS = ("", "@", "=", "<", ">", "!")
INTEGERS = "bBhHiIlLqQnN"
PADS = ("", "x", "3x", " ", "2x x", "0x")
NATIVE_ONLY = "nN"


def framing(header_length: object, length_fmt: object) -> Framing:
    decoder = wallaroo.decoder(header_length, length_fmt)(lambda bs: bs)  # type: ignore[arg-type]
    decoder(b"")  # which raises what is wrong
    return decoder.framing


def packed(length_fmt: str, length: int) -> bytes:
    """The header that the engine writes before what an encoder returns."""
    framing: Framing = W.encoder(struct.calcsize(length_fmt), length_fmt)(lambda data: b"").framing
    return framing.packer()(length)


def length_in(header: bytes, said: Framing) -> int:
    """What the engine reads from a header."""
    integer = header[said.offset : said.offset + said.width]
    return int.from_bytes(integer, said.order, signed=said.signed)


class FramingOfFormats(unittest.TestCase):
    def test_finds_the_integer_that_struct_packs(self) -> None:
        formats = itertools.product(ORDERS, PADS, ("", "1"), INTEGERS, PADS)
        for order, before, one, code, after in formats:
            if code in NATIVE_ONLY and order not in ("", "@"):
                continue
            length_fmt = order + before + one + code + after
            size = struct.calcsize(length_fmt)
            said = framing(size, length_fmt)
            self.assertEqual(said.header, size, length_fmt)
            self.assertEqual(said.signed, code.islower(), length_fmt)
            for length in (0, 1, 100, *((-1, -100) if said.signed else (2 ** (8 * said.width) - 1,))):
                self.assertEqual(length_in(struct.pack(length_fmt, length), said), length, length_fmt)
                self.assertEqual(packed(length_fmt, length), struct.pack(length_fmt, length), length_fmt)

    def test_knows_the_longest_payload(self) -> None:
        for length_fmt, longest in (("b", 127), ("B", 255), (">h", 32767), ("<Hx", 65535), (">Q", 2**64 - 1)):
            self.assertEqual(framing(struct.calcsize(length_fmt), length_fmt).longest, longest)
            self.assertEqual(packed(length_fmt, longest), struct.pack(length_fmt, longest))
            with self.assertRaises(struct.error):
                packed(length_fmt, longest + 1)

    def test_byte_orders(self) -> None:
        expected: dict[str, Literal["big", "little"]] = {"<": "little", ">": "big", "!": "big"}
        for order in ORDERS:
            self.assertEqual(framing(4, order + "I").order, expected.get(order, sys.byteorder))

    def test_minds_native_alignment(self) -> None:
        self.assertEqual(framing(8, "@xI"), Framing(8, 4, 4, sys.byteorder, False))
        self.assertEqual(framing(5, "=xI"), Framing(5, 1, 4, sys.byteorder, False))

    def test_of_the_word_count(self) -> None:
        self.assertEqual(framing(4, ">I"), Framing(header=4, offset=0, width=4, order="big", signed=False))

    def test_at_the_bound_of_the_header(self) -> None:
        pads = LONGEST_HEADER - 4
        self.assertEqual(framing(LONGEST_HEADER, f">{pads}xI").offset, pads)
        with self.assertRaises(wallaroo.WallarooParameterError):
            framing(LONGEST_HEADER + 1, f">{pads + 1}xI")


class RefusedFormats(unittest.TestCase):
    def test_say_why_and_show_an_example(self) -> None:
        refused: tuple[tuple[object, object, str], ...] = (
            (4, "", "exactly one integer"),
            (4, ">", "exactly one integer"),
            (4, "4x", "exactly one integer"),
            (4, ">HH", "exactly one integer"),
            (4, "2H", "exactly one integer"),
            (4, "0I4x", "exactly one integer"),
            (4, "11I", "exactly one integer"),
            (4, ">f", "exactly one integer"),
            (4, "4s", "exactly one integer"),
            (1, "?", "exactly one integer"),
            (8, "P", "exactly one integer"),
            (4, " >I", "exactly one integer"),
            (4, ">I\u0663x", "exactly one integer"),
            (8, "<n", "not a format of the module struct"),
            (4, f"{10**30}xI", "not a format of the module struct"),
            (5, ">I", "header_length is 5, but length_fmt '>I' describes 4 bytes"),
            (4, ">xI", "header_length is 4, but length_fmt '>xI' describes 5 bytes"),
            (0, "", "header_length must be an int from 1"),
            (-4, ">I", "header_length must be an int from 1"),
            (True, ">B", "header_length must be an int from 1"),
            ("4", ">I", "header_length must be an int from 1 to 4096, not the str '4'"),
            (4, b">I", "length_fmt must be a str"),
            (4, None, "length_fmt must be a str, not None"),
        )
        for header_length, length_fmt, reason in refused:
            for decorator in (W.decoder, W.encoder):
                with self.subTest(decorator=decorator.__name__, length_fmt=length_fmt):
                    [mistake] = decorator(header_length=header_length, length_fmt=length_fmt)(
                        lambda data: data
                    ).mistakes
                    said = f"@wallaroo.{decorator.__name__}: "
                    self.assertIn(said, mistake)
                    self.assertIn(reason, mistake.partition(said)[2])
                    example = f'@wallaroo.{decorator.__name__}(header_length=4, length_fmt=">I")'
                    self.assertTrue(mistake.endswith(f"; write for example {example}"), mistake)


if __name__ == "__main__":
    unittest.main()
