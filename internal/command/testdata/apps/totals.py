"""Adds up numbers by key: a message KEY NUMBER gives KEY TOTAL. Its source is resumable."""

import wallaroo


class Total:
    def __init__(self) -> None:
        self.sum = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data: bytes) -> list[str]:
    return data.decode().split()


@wallaroo.partition
def key_of(message: list[str]) -> str:
    return message[0]


@wallaroo.state_computation(name="add")
def add(message: list[str], total: Total) -> tuple[str, bool]:
    total.sum += int(message[1])
    return f"{message[0]} {total.sum}\n", True


@wallaroo.encoder
def encode(text: str) -> str:
    return text


def application_setup(args: list[str]) -> wallaroo.Application:
    source, sink = wallaroo.tcp_parse_input_addrs(args)[0], wallaroo.tcp_parse_output_addrs(args)[0]
    ab = wallaroo.ApplicationBuilder("Totals")
    ab.new_pipeline("numbers", wallaroo.TCPSourceConfig(*source, decode, resumable=True))
    ab.to_state_partition(add, Total, "totals", key_of)
    ab.to_sink(wallaroo.TCPSinkConfig(*sink, encode))
    return ab.build()
