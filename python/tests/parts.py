"""What the tests of the builder put together: functions under each decorator, state classes, a source and a sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import wallaroo


@dataclass(frozen=True)
class Mistake:
    """Something wrong, and what is said of it, without the place in its file."""

    write: Callable[[], object]
    says: str


class Shout:
    def compute(self, data: str) -> str:
        return data.upper()


class Totals:
    pass


class OfKey:
    def __init__(self, key: object) -> None:
        self.key = key


class OfTwo:
    def __init__(self, key: object, other: object) -> None: ...


class OfKeyword:
    def __init__(self, *, key: object) -> None: ...


class Optional:
    def __init__(self, key: object = None, *more: object, **others: object) -> None: ...


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.computation(name="upper")
def upper(data: str) -> str:
    return data.upper()


@wallaroo.computation_multi(name="split")
def split(data: str) -> list[str]:
    return data.split()


@wallaroo.state_computation(name="count")
def count(data: str, state: object) -> tuple[str, bool]:
    return data, True


@wallaroo.state_computation_multi(name="repeat")
def repeat(data: str, state: object) -> tuple[list[str], bool]:
    return [data], False


@wallaroo.partition
def letter(data: str) -> str:
    return data[0]


@wallaroo.partition
def length(data: str) -> int:
    return len(data)


@wallaroo.encoder
def encoder(data: str) -> str:
    return data


def plain(data: str) -> str:
    return data


SOURCE = wallaroo.TCPSourceConfig("127.0.0.1", 7010, decoder)
SINK = wallaroo.TCPSinkConfig("127.0.0.1", 7002, encoder)


def opened(pipeline: str = "p") -> wallaroo.ApplicationBuilder:
    return wallaroo.ApplicationBuilder("app").new_pipeline(pipeline, SOURCE)
