"""Counts words; "exit" ends its process, "sleep" never comes back."""

import os
import time

import wallaroo


class Count:
    def __init__(self):
        self.n = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data):
    return data.decode()


@wallaroo.computation_multi(name="split")
def split(line):
    return line.split()


@wallaroo.partition
def whole_word(word):
    return word


@wallaroo.state_computation(name="count")
def count(word, state):
    if word == "exit":
        os._exit(3)
    if word == "sleep":
        time.sleep(1000)
    state.n += 1
    return f"{word} => {state.n}", True


@wallaroo.encoder
def encode(line):
    return line + "\n"


def application_setup(args):
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    return (
        wallaroo.ApplicationBuilder("Deadly")
        .new_pipeline("words", wallaroo.TCPSourceConfig(in_host, in_port, decode))
        .to(split)
        .to_state_partition(count, Count, "counts", whole_word)
        .to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encode))
        .build()
    )
