"""Words in lines, counted for each word; some words make it misbehave."""

import ctypes
import logging
import os
import sys
import time

import wallaroo

log = logging.getLogger("words")


def application_setup(args):
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    builder = wallaroo.ApplicationBuilder("Words")
    builder.new_pipeline("words", wallaroo.TCPSourceConfig(in_host, in_port, decode))
    builder.to(split)
    builder.to_state_partition(count, Count, "counts", whole_word)
    builder.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encode))
    return builder.build()


class Count:
    def __init__(self):
        self.n = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data):
    return data.decode("utf-8")


@wallaroo.computation_multi(name="split")
def split(line):
    return line.split()


@wallaroo.partition
def whole_word(word):
    return word


@wallaroo.state_computation(name="count")
def count(word, state):
    if word == "bad":
        raise ValueError("a bad word")
    if word.startswith("rubbish"):
        raise ValueError(word)
    if word == "sleep":
        time.sleep(1000)
    if word == "hold":  # keeps the interpreter's lock
        ctypes.PyDLL(None).usleep(1_000_000_000)
    if word == "exit":
        os._exit(3)
    if word == "abort":
        print("about to abort", file=sys.stderr)
        os.write(2, b"no end")
        os.abort()
    if word == "fork":
        if os.fork() == 0:
            log.warning("from the child")
            time.sleep(1000)
    if word == "chain":
        raise_chain()
    if word == "print":
        print("printed", word)
        log.warning("logged %s", word)
        log.debug("not of interest")
    state.n += 1
    return (f"{word} => {state.n}", True)


def raise_chain():
    error = ValueError("link 0")
    for link in range(1, 2000):
        following = ValueError(f"link {link}")
        following.__cause__ = error
        error = following
    raise error


@wallaroo.encoder
def encode(line):
    if line.startswith("untold "):
        return 5
    return line + "\n"
