"""Does what a message says: "nap" takes a moment, "sleep" and "match" never come back."""

import re
import time

import wallaroo


class Seen:
    def __init__(self):
        self.messages = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(data):
    return data.decode()


@wallaroo.computation_multi(name="repeat")
def repeat(text):
    return [text] * 20 if text == "nap" else [text]


@wallaroo.partition
def own(text):
    return text


@wallaroo.state_computation(name="do")
def do(text, seen):
    seen.messages += 1
    if text == "nap":
        time.sleep(0.05)
    elif text == "sleep":
        while True:
            time.sleep(0.01)
    elif text == "match":  # does not let other threads run
        re.match("(a+)+$", "a" * 60 + "b")
    return text, True


@wallaroo.encoder
def encoder(text):
    return text + "\n"


def application_setup(args):
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    return (
        wallaroo.ApplicationBuilder("hangs")
        .new_pipeline("words", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
        .to(repeat)
        .to_state_partition(do, Seen, "seen", own)
        .to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
        .build()
    )
