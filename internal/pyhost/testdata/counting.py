"""Counts words; the entity of the word "stuck" cannot move to another process. It logs at its end."""

import atexit
import logging
import threading

import wallaroo

atexit.register(lambda: logging.warning("the end"))


class Count:
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
    state.n += 1
    return f"{word}{state.n}", True


@wallaroo.encoder
def encoder(result):
    return result


def application_setup(args):
    return (
        wallaroo.ApplicationBuilder("counting")
        .new_pipeline("words", wallaroo.TCPSourceConfig("127.0.0.1", 0, decoder))
        .to(split)
        .to_state_partition(count, Count, "counts", word)
        .to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, encoder))
        .build()
    )
