"""Converts temperatures: degrees Celsius come in over TCP, degrees Fahrenheit go out.

wallaroo run celsius.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
"""

from __future__ import annotations

import struct
from typing import cast

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]

    ab = wallaroo.ApplicationBuilder("Celsius to Fahrenheit")
    ab.new_pipeline("Convert", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
    ab.to(multiply)
    ab.to(add)
    ab.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
    return ab.build()


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> float:
    return cast(float, struct.unpack(">f", bs)[0])


@wallaroo.computation(name="multiply by 1.8")
def multiply(data: float) -> float:
    return data * 1.8


@wallaroo.computation(name="add 32")
def add(data: float) -> float:
    return data + 32


@wallaroo.encoder(header_length=4, length_fmt=">I")
def encoder(data: float) -> bytes:
    return struct.pack(">f", data)
