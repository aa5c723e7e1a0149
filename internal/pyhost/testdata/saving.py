"""Counts words. Some words do more than that."""

import os
import threading
import time

import wallaroo


class Count:
    __wallaroo_version__ = 3

    def __init__(self, word):
        self.n = 0
        self.stuck = threading.Lock() if word == "stuck" else None


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(data):
    return data.decode()


@wallaroo.computation_multi(name="split")
def split(line):
    return line.split()


@wallaroo.partition
def word(word):
    return word


@wallaroo.state_computation(name="count")
def count(word, state):
    if word.startswith("wait:"):  # until there is a file
        while not os.path.exists(word.removeprefix("wait:")):
            time.sleep(0.001)
    if word.startswith("make:"):  # a file
        open(word.removeprefix("make:"), "w").close()
    state.n += 1
    if word == "much":  # more than the pipe takes
        return f"{'much' * 100_000}{state.n}", True
    return f"{word}{state.n}", True


@wallaroo.encoder
def encoder(result):
    return result


def application_setup(args):
    return (
        wallaroo.ApplicationBuilder("saving")
        .new_pipeline("words", wallaroo.TCPSourceConfig("127.0.0.1", 0, decoder))
        .to(split)
        .to_state_partition(count, Count, "counts", word, ["named"])
        .to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, encoder))
        .build()
    )
