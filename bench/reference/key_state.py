"""Counts messages for each key in a state of 100 bytes: what is measured while state is saved and restored.

A message is a key, as text. What comes out for it is "PROCESS KEY => COUNT", so that whoever reads it sees that no
count was lost, and when another process goes on.

wallaroo run key_state.py --in 127.0.0.1:7010 --out 127.0.0.1:7002 --data-dir data
"""

from __future__ import annotations

import os

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    """One pipeline with one step, whose state is a total for each key."""
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    return (
        wallaroo.ApplicationBuilder("Key State")
        .new_pipeline("keys", wallaroo.TCPSourceConfig(in_host, in_port, decode))
        .to_state_partition(count, Total, "totals", itself)
        .to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encode))
        .build()
    )


class Total:
    """How many messages of a key have come, and what makes it 100 bytes long when it is pickled."""

    def __init__(self) -> None:
        self.messages = 0
        self.rest = bytes(35)


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
