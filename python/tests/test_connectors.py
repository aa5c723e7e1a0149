"""The configurations of sources and sinks."""

from __future__ import annotations

import unittest

import wallaroo
from wallaroo import testing


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> bytes:
    return bs


@wallaroo.encoder
def encoder(data: bytes) -> bytes:
    return data


class Configurations(unittest.TestCase):
    def test_take_a_port_as_str_or_int(self) -> None:
        for port in (7010, "7010", "07010"):
            self.assertEqual(wallaroo.TCPSourceConfig("host", port, decoder).address, ("host", 7010))
            self.assertEqual(wallaroo.TCPSinkConfig("host", port, encoder).address, ("host", 7010))

    def test_take_an_empty_host_for_this_machine(self) -> None:
        self.assertEqual(wallaroo.TCPSourceConfig("", 0, decoder).address, ("127.0.0.1", 0))

    def test_take_no_header_where_they_are_resumable(self) -> None:
        @wallaroo.encoder(header_length=1, length_fmt="B")
        def framed(data: bytes) -> bytes:
            return data

        self.assertEqual(wallaroo.TCPSourceConfig("", 0, decoder).longest, 2**32 - 1)
        self.assertIsNone(wallaroo.TCPSourceConfig("", 0, decoder, resumable=True).longest)
        self.assertIsNotNone(wallaroo.TCPSinkConfig("", 0, framed).header)
        self.assertIsNone(wallaroo.TCPSinkConfig("", 0, framed, resumable=True).header)
        sink = wallaroo.TCPSinkConfig("", 0, framed, resumable=True)
        builder = wallaroo.ApplicationBuilder("app")
        builder.new_pipeline("p", wallaroo.TCPSourceConfig("", 0, decoder, resumable=True)).to_sink(sink)
        long = b"x" * 300
        self.assertEqual(testing.run(builder.build(), [b"a", long]).output, [b"a", long])

    def test_know_what_is_wrong_with_them(self) -> None:
        self.assertEqual(list(wallaroo.TCPSourceConfig("::1", "65535", decoder).mistakes()), [])
        for config in (
            wallaroo.TCPSourceConfig("", 0, decoder, resumable="yes"),  # type: ignore[arg-type]
            wallaroo.TCPSinkConfig("", 0, encoder, resumable="yes"),  # type: ignore[arg-type]
        ):
            self.assertEqual(list(config.mistakes()), ["resumable must be True or False, not the str 'yes'"])
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
