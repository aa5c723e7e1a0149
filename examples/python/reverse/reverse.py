"""Reverses texts: a text comes in over TCP and goes out backwards.

wallaroo run reverse.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
"""

from __future__ import annotations

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]

    ab = wallaroo.ApplicationBuilder("Reverse Word")
    ab.new_pipeline("Reverse", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
    ab.to(reverse)
    ab.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
    return ab.build()


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.computation(name="reverse")
def reverse(data: str) -> str:
    return data[::-1]


@wallaroo.encoder
def encoder(data: str) -> str:
    return data + "\n"
