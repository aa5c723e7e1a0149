"""Addresses on the command line: how they are found, and what is said of those that are wrong or missing."""

from __future__ import annotations

import copy
import pickle
import unittest
from typing import Any

import wallaroo


class Addresses(unittest.TestCase):
    def test_are_found(self) -> None:
        found: tuple[tuple[list[str], list[tuple[str, str]]], ...] = (
            (["--in", "10.0.0.1:7010"], [("10.0.0.1", "7010")]),
            (["--in=host:0"], [("host", "0")]),
            (["-i", "host:65535"], [("host", "65535")]),
            (["-i=host:07010"], [("host", "7010")]),
            (["--in", "a:1,b:2,c:3"], [("a", "1"), ("b", "2"), ("c", "3")]),
            (["--in", ":7010"], [("127.0.0.1", "7010")]),
            (["--in", "[::1]:7010,[fe80::1%eth0]:7011"], [("::1", "7010"), ("fe80::1%eth0", "7011")]),
            (["--in", "[]:7010"], [("127.0.0.1", "7010")]),
            (["--in", "a:1", "-i", "b:2", "--in=c:3"], [("c", "3")]),
            (["--in", "none", "--other", "x", "-i", "b:2"], [("b", "2")]),
            (["--out", "a:1", "--in", "b:2", "--input", "c:3"], [("b", "2")]),
        )
        for args, addresses in found:
            with self.subTest(args=args):
                self.assertEqual(wallaroo.tcp_parse_input_addrs(args), addresses)

    def test_of_sinks_have_their_own_flag(self) -> None:
        for flag in (["--out", "a:1"], ["--out=a:1"], ["-o", "a:1"], ["-o=a:1"]):
            args = ["--in", "b:2", *flag]
            self.assertEqual(wallaroo.tcp_parse_output_addrs(args), [("a", "1")])

    def test_that_are_missing_are_asked_for(self) -> None:
        with self.assertRaises(wallaroo.WallarooParameterError) as caught:
            wallaroo.tcp_parse_input_addrs(["--out", "a:1"])
        self.assertEqual(str(caught.exception), "the argument --in is missing; give for example --in 127.0.0.1:7010")
        with self.assertRaises(wallaroo.WallarooParameterError) as caught:
            wallaroo.tcp_parse_output_addrs([])
        self.assertEqual(str(caught.exception), "the argument --out is missing; give for example --out 127.0.0.1:7002")

    def test_that_do_not_parse_are_refused(self) -> None:
        refused = (
            ("", "is not HOST:PORT"),
            ("7010", "is not HOST:PORT"),
            ("a:1,", "the address '' of --in is not HOST:PORT"),
            ("a:1, b:2", "the address ' b:2' of --in is not HOST:PORT"),
            ("::1:7010", "is not HOST:PORT"),
            ("[::1]7010", "is not HOST:PORT"),
            ("a]:1", "is not HOST:PORT"),
            ("a:", "a port that is not a number from 0 to 65535"),
            ("a:+1", "a port that is not a number from 0 to 65535"),
            ("a:65536", "a port that is not a number from 0 to 65535"),
            ("a:" + "9" * 5000, "a port that is not a number from 0 to 65535"),
            ("a:\u0663", "a port that is not a number from 0 to 65535"),
            ("a:http", "a port that is not a number from 0 to 65535"),
        )
        for value, reason in refused:
            with self.subTest(value=value), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                wallaroo.tcp_parse_input_addrs(["--in", value])
            self.assertIn(reason, str(caught.exception))
            self.assertIn("give for example --in 127.0.0.1:7010", str(caught.exception))

    def test_need_a_value(self) -> None:
        with self.assertRaises(wallaroo.WallarooParameterError):
            wallaroo.tcp_parse_input_addrs(["--in"])

    def test_are_looked_for_in_a_list(self) -> None:
        for args in ("--in a:1", None, 3):
            with self.subTest(args=args), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                wallaroo.tcp_parse_input_addrs(args)  # type: ignore[arg-type]
            self.assertIn("application_setup(args)", str(caught.exception))

    def test_are_a_list(self) -> None:
        found = wallaroo.tcp_parse_input_addrs(["--in", "a:1,b:2"])
        self.assertEqual((found[-1], found[1:], found[5:]), (("b", "2"), [("b", "2")], []))
        first, second = found
        self.assertEqual([first, second], list(found))
        for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
            self.assertEqual(other, found)
        wrong: Any = "a"
        with self.assertRaises(TypeError):
            found[wrong]

    def test_beyond_the_last_are_asked_for(self) -> None:
        one = wallaroo.tcp_parse_input_addrs(["--in", "a:1"])
        three = wallaroo.tcp_parse_output_addrs(["--out", "a:1,b:2,c:3"])
        asked = (
            (one, 1, "--in has 1 address", "number 2", "--in 127.0.0.1:7010,127.0.0.1:7011"),
            (one, -2, "--in has 1 address", "number 2 from the end", "--in 127.0.0.1:7010,127.0.0.1:7011"),
            (
                three,
                3,
                "--out has 3 addresses",
                "number 4",
                "--out 127.0.0.1:7002,127.0.0.1:7003,127.0.0.1:7004,127.0.0.1:7005",
            ),
            (
                three,
                99,
                "--out has 3 addresses",
                "number 100",
                "--out 127.0.0.1:7002,127.0.0.1:7003,127.0.0.1:7004,127.0.0.1:7005,...",
            ),
        )
        for addresses, index, has, number, example in asked:
            with self.subTest(index=index), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                addresses[index]
            said = f"the argument {has}, but the application asks for {number}; give for example {example}"
            self.assertEqual(str(caught.exception), said)

    def test_beyond_the_last_raise_what_lists_raise(self) -> None:
        def second(args: list[str]) -> tuple[str, str] | None:
            try:
                return wallaroo.tcp_parse_output_addrs(args)[1]
            except IndexError:
                return None

        self.assertIsNone(second(["--out", "a:1"]))
        self.assertEqual(second(["--out", "a:1,b:2"]), ("b", "2"))


if __name__ == "__main__":
    unittest.main()
