"""Addresses on the command line, and the configurations of sources and sinks."""

from __future__ import annotations

import unittest

import wallaroo


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> bytes:
    return bs


@wallaroo.encoder
def encoder(data: bytes) -> bytes:
    return data


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


class Configurations(unittest.TestCase):
    def test_take_a_port_as_str_or_int(self) -> None:
        for port in (7010, "7010", "07010"):
            self.assertEqual(wallaroo.TCPSourceConfig("host", port, decoder).address, ("host", 7010))
            self.assertEqual(wallaroo.TCPSinkConfig("host", port, encoder).address, ("host", 7010))

    def test_take_an_empty_host_for_this_machine(self) -> None:
        self.assertEqual(wallaroo.TCPSourceConfig("", 0, decoder).address, ("127.0.0.1", 0))

    def test_know_what_is_wrong_with_them(self) -> None:
        self.assertEqual(list(wallaroo.TCPSourceConfig("::1", "65535", decoder).mistakes()), [])
        for host in (None, "a b", "[::1]", "a\n", 7):
            mistakes = [*wallaroo.TCPSinkConfig(host, 0, encoder).mistakes()]  # type: ignore[arg-type]
            self.assertEqual(len(mistakes), 1, mistakes)
            self.assertTrue(mistakes[0].startswith("host must be "), mistakes)
        for port in (-1, 65536, "65536", "", "x", "-1", " 1", 1.0, True, None):
            mistakes = [*wallaroo.TCPSourceConfig("a", port, decoder).mistakes()]  # type: ignore[arg-type]
            self.assertEqual(len(mistakes), 1, mistakes)
            self.assertTrue(mistakes[0].startswith("port must be a number from 0 to 65535, not "), mistakes)


if __name__ == "__main__":
    unittest.main()
