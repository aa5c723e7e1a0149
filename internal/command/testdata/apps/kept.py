"""Counts and adds up what words bring, KEY=NUMBER, for each key.

Its connections are resumable; with the argument "plain" they are not.
"""

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    source, sink = wallaroo.tcp_parse_input_addrs(args)[0], wallaroo.tcp_parse_output_addrs(args)[0]
    resumable = "plain" not in args
    builder = wallaroo.ApplicationBuilder("Kept")
    builder.new_pipeline("words", wallaroo.TCPSourceConfig(*source, decode, resumable=resumable))
    builder.to(split)
    builder.to_state_partition(add, Total, "totals", key_of)
    builder.to_sink(wallaroo.TCPSinkConfig(*sink, encode if resumable else encode_line, resumable=resumable))
    return builder.build()


class Total:
    """What has come of a key."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data: bytes) -> str:
    return data.decode()


@wallaroo.computation_multi(name="split")
def split(line: str) -> list[str]:
    return line.split()


@wallaroo.partition
def key_of(word: str) -> str:
    return word.partition("=")[0]


@wallaroo.state_computation(name="add")
def add(word: str, total: Total) -> tuple[str, bool]:
    key, _, number = word.partition("=")
    total.count += 1
    total.sum += int(number)
    return f"{key} {total.count} {total.sum}", True


@wallaroo.encoder
def encode(text: str) -> str:
    return text


@wallaroo.encoder
def encode_line(text: str) -> str:
    return text + "\n"
