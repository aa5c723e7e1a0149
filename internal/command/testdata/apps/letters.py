"""One result for each message, or a failure somewhere: a message is a number and the place where it fails.

Where state is asked for, its key fails until it is mended.
"""

import wallaroo


class Number:
    """A message that is no text, so that it is pickled where it is kept."""

    def __init__(self, number, place):
        self.number = number
        self.place = place

    def fail_at(self, place):
        if self.place == place:
            raise ValueError(f"{place} {self.number}")


class Health:
    def __init__(self):
        self.mended = False
        self.met = 0


def application_setup(args):
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    builder = wallaroo.ApplicationBuilder("Letters")
    builder.new_pipeline("numbers", wallaroo.TCPSourceConfig(in_host, in_port, decode))
    builder.to(parse)
    builder.to_state_partition(meet, Health, "health", last_digits)
    builder.to_state_partition(meet_again, Health, "more health", first_digit)
    builder.to(last)
    builder.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encode))
    return builder.build()


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data):
    text = data.decode()
    if text.endswith(" decode"):
        raise ValueError(f"decode {text.split()[0]}")
    return text


@wallaroo.computation(name="parse")
def parse(text):
    number, place = text.split(" ")
    message = Number(number, place)
    message.fail_at("parse")
    return message


@wallaroo.partition
def last_digits(message):
    message.fail_at("key")
    return message.number[-2:]


@wallaroo.state_computation(name="meet", atomic=True)
def meet(message, health):
    health.met += 1
    if message.place == "mend":
        health.mended = True
        return (None, True)
    if not health.mended:
        message.fail_at("poison")
    message.fail_at("state")
    return (message, True)


@wallaroo.partition
def first_digit(message):
    return message.number[0]


@wallaroo.state_computation_multi(name="meet again")
def meet_again(message, health):
    def lazily():
        yield message
        message.fail_at("several")

    return (lazily(), True)


@wallaroo.computation(name="last")
def last(message):
    message.fail_at("last")
    return message


@wallaroo.encoder
def encode(message):
    message.fail_at("encode")
    return f"{message.number}\n"
