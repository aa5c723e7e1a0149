"""Programs that are right: mypy in strict mode has nothing to say, and infers what stands in assert_type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import assert_type

import wallaroo
from wallaroo import testing


class WordTotals:
    def __init__(self) -> None:
        self.totals: dict[str, int] = {}


class LetterTotals(WordTotals):
    def __init__(self, letter: str) -> None:
        super().__init__()
        self.letter = letter


class Visits:
    def __init__(self, user: int) -> None:
        self.user = user
        self.count = 0


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.computation_multi(name="split into words")
def split(data: str) -> list[str]:
    return data.split()


@wallaroo.computation_multi(name="letters")
def letters(data: str) -> Iterator[str]:
    yield from data


@wallaroo.computation(name="long words")
def long_word(word: str) -> str | None:
    return word if len(word) > 3 else None


@wallaroo.partition
def first_letter(word: str) -> str:
    return word[0]


@wallaroo.partition
def anything(data: object) -> tuple[str, int] | None:
    return (str(data), 1) if data else None


@wallaroo.partition
def user(data: str) -> int:
    return int(data)


@wallaroo.state_computation(name="Count Word", atomic=True)
def count_word(word: str, totals: WordTotals) -> tuple[tuple[str, int], bool]:
    totals.totals[word] = totals.totals.get(word, 0) + 1
    return (word, totals.totals[word]), True


@wallaroo.state_computation_multi(name="visits")
def count_visits(data: str, visits: Visits) -> tuple[list[int] | None, bool]:
    visits.count += 1
    return ([visits.count] if data else None), True


@wallaroo.encoder
def encoder(counted: tuple[str, int]) -> str:
    return f"{counted[0]} => {counted[1]}\n"


@wallaroo.encoder
def raw(data: object) -> bytes | None:
    return b"x" if data else None


@wallaroo.encoder(header_length=4, length_fmt=">I")
def framed(data: str) -> str:
    return data


@wallaroo.encoder(2, ">H")
def framed_by_position(data: int) -> bytes | None:
    return data.to_bytes(4, "big") if data else None


@wallaroo.computation(name="not annotated")
def untyped(data):  # type: ignore[no-untyped-def]
    return data


def what_is_inferred() -> None:
    assert_type(decoder, wallaroo.Decoder[str])
    assert_type(split, wallaroo.ComputationMulti[str, list[str]])
    assert_type(letters, wallaroo.ComputationMulti[str, Iterator[str]])
    assert_type(long_word, wallaroo.Computation[str, str | None])
    assert_type(first_letter, wallaroo.Partition[str, str])
    assert_type(count_word, wallaroo.StateComputation[str, WordTotals, tuple[str, int]])
    assert_type(count_visits, wallaroo.StateComputationMulti[str, Visits, list[int] | None])
    assert_type(encoder, wallaroo.Encoder[tuple[str, int]])
    assert_type(framed, wallaroo.Encoder[str])
    assert_type(framed_by_position, wallaroo.Encoder[int])


def what_a_call_returns() -> None:
    assert_type(framed("a"), bytes | str | None)
    assert_type(decoder(b"a"), str)
    assert_type(split("a b"), list[str])
    assert_type(long_word("a"), str | None)
    assert_type(first_letter("a"), str)
    assert_type(count_word("a", WordTotals()), tuple[tuple[str, int], bool])
    assert_type(count_word.name, str)
    assert_type(split.function("a b"), list[str])
    assert_type(decoder.framing.header, int)


def word_count(args: list[str]) -> wallaroo.Application:
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
    ab = wallaroo.ApplicationBuilder("Word Count Application")
    ab.new_pipeline("Split and Count", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
    ab.to_parallel(split)
    ab.to_state_partition(count_word, WordTotals, "word totals", first_letter, ["a", "b"])
    ab.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
    return ab.build()


def what_a_test_gets(application: wallaroo.Application) -> None:
    result = testing.run(application, ["a", "b"])
    assert_type(result.output, list[bytes])
    assert_type(result.failures, list[testing.Failure])
    testing.run(application, [b"a"], executors=2, seed=1, check=False)
    testing.run(application, (line for line in ["a"]))
    testing.run(testing.load("word_count.py", ["--in", ":7010"]), {"one": ["a"], "two": [b"b"]})
    testing.run(application, [("one", "a"), ("two", "b")])
    testing.run(application, [("one", b"a"), ("two", b"b")])
    assert_type(testing.verify_step(long_word, ["a"]), list[str | None])
    assert_type(testing.verify_step(untyped, ["a"]), list[Any])
    assert_type(testing.verify_step(split, ["a"]), list[list[Any]])
    totals = testing.verify_step(count_word, ["a"], state_class=WordTotals, partition_function=first_letter)
    assert_type(totals, list[tuple[str, int]])
    testing.verify_step(count_word, ["a"], state_class=LetterTotals, partition_function=first_letter)
    assert_type(testing.verify_step(count_visits, ["1"], state_class=Visits, partition_function=user), list[list[Any]])


def every_method() -> wallaroo.Application:
    return (
        wallaroo.ApplicationBuilder("every method")
        .new_pipeline("one", wallaroo.TCPSourceConfig("", 0, decoder))
        .to(split)
        .to(long_word)
        .to_parallel(letters)
        .to(untyped)
        .to_stateful(count_word, WordTotals, "all totals")
        .to_state_partition(count_word, WordTotals, "totals", first_letter)
        .to_state_partition(count_word, LetterTotals, "letter totals", first_letter, {"a", "b"})
        .to_state_partition(count_word, WordTotals, "pair totals", anything, [("a", 1), None])
        .to_state_partition_u64(count_visits, Visits, "visits", user, range(3))
        .to_sink(wallaroo.TCPSinkConfig("localhost", "7002", raw))
        .new_pipeline("frames", wallaroo.TCPSourceConfig("", 0, decoder))
        .to_sink(wallaroo.TCPSinkConfig("", 7003, framed))
        .new_pipeline("two", wallaroo.TCPSourceConfig("", 0, decoder))
        .done()
        .build()
    )
