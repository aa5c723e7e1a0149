"""Mistakes that mypy does not find: `build` or the first message does, which test_testing.py shows.

Where a change of the API makes mypy find one, it belongs in wrong.py.
"""

from __future__ import annotations

import wallaroo
from wallaroo import testing


class Totals:
    pass


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.computation(name="twice")
def twice(data: int) -> int:
    return 2 * data + 1 // data


@wallaroo.computation_multi(name="letters")
def letters(data: str) -> str:
    """A str is an iterable of str."""
    return data


@wallaroo.state_computation(name="count")
def count(data: str, totals: Totals) -> tuple[str, bool]:
    return data, True


@wallaroo.partition
def letter(data: str) -> str:
    return data[0]


@wallaroo.partition
def of_number(data: int) -> int:
    return data + 1


@wallaroo.partition
def is_long(data: str) -> bool:
    """A bool is an int."""
    return len(data) > 3


@wallaroo.encoder
def encoder(data: object) -> str:
    return str(data)


@wallaroo.encoder
def of_bytes(data: bytes) -> bytes:
    return data + b"!"


def pipeline() -> wallaroo.ApplicationBuilder:
    return wallaroo.ApplicationBuilder("beyond").new_pipeline("p", wallaroo.TCPSourceConfig("", 0, decoder))


def end(ab: wallaroo.ApplicationBuilder, last: wallaroo.Encoder[bytes] = encoder) -> wallaroo.Application:
    return ab.to_sink(wallaroo.TCPSinkConfig("", 1, last)).build()


def applications() -> list[wallaroo.Application]:
    """Each fails at its first message."""
    return [
        end(pipeline().to(twice)),  # the builder does not know what comes out of a decoder, or of a step
        end(pipeline(), of_bytes),
        end(pipeline().to(letters)),
        end(
            pipeline().to_state_partition(count, Totals, "totals", of_number)
        ),  # something may be both a str and an int
        end(pipeline().to_state_partition_u64(count, Totals, "totals", is_long)),
    ]


def keys_as_text() -> wallaroo.Application:
    """`build` refuses it."""
    return end(pipeline().to_state_partition(count, Totals, "totals", letter, "abc"))


def text_as_inputs(application: wallaroo.Application) -> testing.Result:
    """`run` refuses it: a str is an iterable of str, but hardly meant as payloads of a letter each."""
    return testing.run(application, "abc")


def number_as_input(application: wallaroo.Application) -> testing.Result:
    """`run` refuses it: a mapping is an iterable of its keys."""
    return testing.run(application, {"p": [1]})
