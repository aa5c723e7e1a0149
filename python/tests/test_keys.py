"""Canonical key bytes: the golden vectors of docs/format, and what cannot be a key."""

from __future__ import annotations

import ast
import enum
import json
import unittest
from pathlib import Path

from wallaroo._keys import WrongKey, canonical, key_hash, key_of, partition_of

GOLDEN = Path(__file__).parents[2] / "docs" / "format" / "keys.golden.json"


class Letter(str, enum.Enum):
    A = "a"


class Vectors(unittest.TestCase):
    def test_they_are_as_documented(self) -> None:
        for vector in json.loads(GOLDEN.read_text()):
            key = eval(compile(ast.parse(vector["python"], mode="eval"), "key", "eval"), {})
            encoded = canonical(key)
            self.assertEqual(encoded.hex(), vector["hex"], vector["python"])
            again = key_of(encoded)
            self.assertEqual((type(again), again), (type(key), key))
            self.assertEqual(key_hash(encoded), vector["hash"], vector["python"])
            self.assertEqual(partition_of(encoded, 1024), vector["partition"], vector["python"])

    def test_no_two_of_them_are_the_same_key(self) -> None:
        encodings = [vector["hex"] for vector in json.loads(GOLDEN.read_text())]
        self.assertEqual(len(encodings), len(set(encodings)))

    def test_other_bytes_are_no_keys(self) -> None:
        for wrong in (
            "",
            "07",
            "0000",
            "0201",
            "03",
            "030001",
            "03ffff",
            "04ff",
            "04eda080",
            "060000",
            "06000000",
            "0600000002",
            "060000000203",
        ):
            with self.subTest(wrong), self.assertRaises(ValueError):
                key_of(bytes.fromhex(wrong))


class Refusals(unittest.TestCase):
    def test_each_names_what_to_return_instead(self) -> None:
        for key, instead in (
            (1.5, "floats"),
            (Letter.A, "str(key)"),
            (bytearray(b"a"), "bytes(key)"),
            (memoryview(b"a"), "bytes(key)"),
            ([1], "tuple(key)"),
            ({"a": 1}, "str, bytes, int, bool, None or a tuple"),
            (("a", 1.5), "floats"),
            (object(), "str, bytes, int"),
        ):
            with self.assertRaises(WrongKey) as raised:
                canonical(key)
            self.assertIn(instead, str(raised.exception))

    def test_a_lone_surrogate_is_refused(self) -> None:
        with self.assertRaisesRegex(WrongKey, "surrogate"):
            canonical("\ud800")


if __name__ == "__main__":
    unittest.main()
