"""Counts words. With --gate PATH, state is not taken in again before there is a file of that name."""

import pathlib
import time

import wallaroo

gate: list[str] = []


class Count:
    def __init__(self):
        self.n = 0

    def __setstate__(self, state):
        while gate and not pathlib.Path(gate[0]).exists():
            time.sleep(0.01)
        self.__dict__ = state


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data):
    return data.decode()


@wallaroo.partition
def whole_word(word):
    return word


@wallaroo.state_computation(name="count")
def count(word, state):
    state.n += 1
    return f"{word} => {state.n}", True


@wallaroo.encoder
def encode(line):
    return line + "\n"


def application_setup(args):
    if "--gate" in args:
        gate.append(args[args.index("--gate") + 1])
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    return (
        wallaroo.ApplicationBuilder("keeps")
        .new_pipeline("words", wallaroo.TCPSourceConfig(in_host, in_port, decode))
        .to_state_partition(count, Count, "counts", whole_word)
        .to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encode))
        .build()
    )
