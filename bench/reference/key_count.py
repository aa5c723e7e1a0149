"""Counts messages for each key and says which process counted: what is measured while keys move between executors.

A message is a key, as text. What comes out for it is "PROCESS KEY => COUNT", so that whoever reads it sees when a key
has moved, and that no count was lost, made twice, or made by two processes at the same time.

wallaroo run key_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002 --executors 1
"""

from __future__ import annotations

import os

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    """One pipeline with one step, whose state is a total for each key."""
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    return (
        wallaroo.ApplicationBuilder("Key Count")
        .new_pipeline("keys", wallaroo.TCPSourceConfig(in_host, in_port, decode))
        .to_state_partition(count, Total, "totals", itself)
        .to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encode))
        .build()
    )


class Total:
    """How many messages of a key have come."""

    def __init__(self) -> None:
        self.messages = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(message: bytes) -> str:
    """The key is all of the message."""
    return message.decode()


@wallaroo.partition
def itself(key: str) -> str:
    """Each key has a state of its own."""
    return key


@wallaroo.state_computation(name="count")
def count(key: str, total: Total) -> tuple[tuple[int, str, int], bool]:
    """Count a message, in whichever process it is."""
    total.messages += 1
    return (os.getpid(), key, total.messages), True


@wallaroo.encoder
def encode(counted: tuple[int, str, int]) -> str:
    """A line: process, key and count."""
    process, key, messages = counted
    return f"{process} {key} => {messages}\n"
