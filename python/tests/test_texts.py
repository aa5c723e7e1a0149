"""What is written wrongly in decorators and the builder, and the exact words about it."""

from __future__ import annotations

import re
import unittest
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import wallaroo
from parts import (
    SINK,
    SOURCE,
    OfKey,
    OfKeyword,
    OfTwo,
    Totals,
    count,
    encoder,
    length,
    letter,
    plain,
    repeat,
    split,
    upper,
)
from parts import decoder as decode

W: Any = wallaroo  # without types, to be given what mypy would refuse


@dataclass(frozen=True)
class Mistake:
    """Something wrong, and what is said of it, without the place in this file."""

    write: Callable[[], object]
    says: str


class Shout:
    def compute(self, data: str) -> str:
        return data.upper()


class Words:
    def compute_multi(self, data: str) -> list[str]:
        return data.split()


def two(data: object, more: object) -> object:
    return data


def yields(data: object, state: object = None) -> Iterator[object]:
    yield data


async def later(data: object) -> object:
    return data


def builder() -> Any:
    return W.ApplicationBuilder("app")


def opened() -> Any:
    return builder().new_pipeline("p", SOURCE)


def with_state(*arguments: object) -> Any:
    """A step with state in a pipeline, and the given way to make its state."""
    return opened().to_state_partition(count, *arguments).done()


BUILT: list[Mistake] = [
    Mistake(
        lambda: opened().to(Shout()).done(),
        (
            "pipeline 'p', step 'Shout': the computation of to() must be a function decorated by "
            "@wallaroo.computation or @wallaroo.computation_multi, not an object of class Shout; instead of "
            'a class with methods write @wallaroo.computation(name="Shout") above "def Shout"'
        ),
    ),
    Mistake(
        lambda: opened().to_parallel(Words()).done(),
        (
            "pipeline 'p', step 'Words': the computation of to_parallel() must be a function decorated by "
            "@wallaroo.computation or @wallaroo.computation_multi, not an object of class Words; instead of "
            'a class with methods write @wallaroo.computation_multi(name="Words") above "def Words"'
        ),
    ),
    Mistake(
        lambda: opened().to_stateful(Shout(), Totals, "t").done(),
        (
            "pipeline 'p', step 'Shout': the computation of to_stateful() must be a function decorated by "
            "@wallaroo.state_computation or @wallaroo.state_computation_multi, not an object of class Shout; "
            'instead of a class with methods write @wallaroo.state_computation(name="Shout") above "def '
            'Shout"'
        ),
    ),
    Mistake(
        lambda: opened().to(plain).done(),
        (
            "pipeline 'p', step 'plain': the computation of to() must be a function decorated by "
            "@wallaroo.computation or @wallaroo.computation_multi, not the plain function plain; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: opened().to(split("a")).done(),
        (
            "pipeline 'p', step 'list': the computation of to() must be a function decorated by "
            "@wallaroo.computation or @wallaroo.computation_multi, not the list ['a']; give the decorated "
            "function itself, without quotes and without calling it"
        ),
    ),
    Mistake(
        lambda: opened().to("split").done(),
        (
            "pipeline 'p', step 'str': the computation of to() must be a function decorated by "
            "@wallaroo.computation or @wallaroo.computation_multi, not the str 'split'; give the decorated "
            "function itself, without quotes and without calling it"
        ),
    ),
    Mistake(
        lambda: opened().to(count).done(),
        (
            "pipeline 'p', step 'count': the computation of to() must be a function decorated by "
            "@wallaroo.computation or @wallaroo.computation_multi, not count, a @wallaroo.state_computation; "
            'count belongs in to_state_partition(count, STATE_CLASS, "STATE NAME", PARTITION), with a state '
            'entity for each key, or to_stateful(count, STATE_CLASS, "STATE NAME"), with one in all'
        ),
    ),
    Mistake(
        lambda: opened().to_stateful(upper, Totals, "t").done(),
        (
            "pipeline 'p', step 'upper': the computation of to_stateful() must be a function decorated by "
            "@wallaroo.state_computation or @wallaroo.state_computation_multi, not upper, a "
            "@wallaroo.computation; upper belongs in to(upper) or to_parallel(upper)"
        ),
    ),
    Mistake(
        lambda: with_state(Totals(), "t", letter),
        (
            "pipeline 'p', step 'count': state_class must be a class, not an object of class Totals; write "
            "the class itself, without parentheses"
        ),
    ),
    Mistake(
        lambda: with_state(OfTwo, "t", letter),
        (
            "pipeline 'p', step 'count': the constructor of OfTwo must require nothing, or one positional "
            "argument, the key, but it requires (key, other); give the others defaults, or set them in the "
            "state computation"
        ),
    ),
    Mistake(
        lambda: with_state(OfKeyword, "t", letter),
        (
            "pipeline 'p', step 'count': the constructor of OfKeyword must require nothing, or one "
            "positional argument, the key, but it requires (*, key); give the others defaults, or set them "
            "in the state computation"
        ),
    ),
    Mistake(
        lambda: opened().to_stateful(count, OfKey, "t").done(),
        (
            "pipeline 'p', step 'count': the constructor of OfKey must require nothing, but it requires "
            "(key); give them defaults, or set them in the state computation"
        ),
    ),
    Mistake(
        lambda: with_state(Totals, "", letter),
        ("pipeline 'p', step 'count': state_name must not be empty"),
    ),
    Mistake(
        lambda: with_state(Totals, "t", plain),
        (
            "pipeline 'p', step 'count': the partition_function of to_state_partition() must be a function "
            "decorated by @wallaroo.partition, not the plain function plain; write @wallaroo.partition above "
            '"def plain"'
        ),
    ),
    Mistake(
        lambda: with_state(Totals, "t", encoder),
        (
            "pipeline 'p', step 'count': the partition_function of to_state_partition() must be a function "
            "decorated by @wallaroo.partition, not encoder, an @wallaroo.encoder; encoder belongs in "
            "TCPSinkConfig(HOST, PORT, encoder)"
        ),
    ),
    Mistake(
        lambda: with_state(Totals, "t", letter, "abc"),
        (
            "pipeline 'p', step 'count': partition_keys must be a list of keys, not the str 'abc'; write "
            "list(...), or leave it out"
        ),
    ),
    Mistake(
        lambda: with_state(Totals, "t", letter, ["a", 1.0]),
        (
            "pipeline 'p', step 'count': partition_keys holds float 1.0, which cannot be a key: make it a "
            "str or an int, since floats that look alike need not be equal"
        ),
    ),
    Mistake(
        lambda: opened().to_state_partition_u64(count, Totals, "t", length, [1, -1]).done(),
        (
            "pipeline 'p', step 'count': partition_keys holds int -1, which cannot be a key of "
            "to_state_partition_u64: make it one from 0 to 2**64 - 1"
        ),
    ),
    Mistake(
        lambda: opened().to_stateful(count, Totals, "t").to_stateful(repeat, list, "t").done(),
        (
            "pipeline 'p', step 'repeat': the state 't' is of class list here and of class Totals in "
            "pipeline 'p', step 'count'; steps of one state_name share entities: give this step another, or "
            "both the same class"
        ),
    ),
    Mistake(
        lambda: opened().to_state_partition(count, Totals, "t", letter).to_stateful(repeat, Totals, "t").done(),
        (
            "pipeline 'p', step 'repeat': the state 't' has one entity in all (to_stateful) here and an "
            "entity for each key (to_state_partition) in pipeline 'p', step 'count'; give this step another "
            "state_name, or use the same method for both"
        ),
    ),
    Mistake(
        lambda: (
            opened()
            .to_state_partition(count, Totals, "t", letter)
            .to_state_partition_u64(repeat, Totals, "t", length)
            .done()
        ),
        (
            "pipeline 'p', step 'repeat': the state 't' has an entity for each int (to_state_partition_u64) "
            "here and an entity for each key (to_state_partition) in pipeline 'p', step 'count'; give this "
            "step another state_name, or use the same method for both"
        ),
    ),
    Mistake(
        builder,
        ("application 'app': it has no pipeline; write new_pipeline(NAME, SOURCE_CONFIG) first"),
    ),
    Mistake(
        opened,
        ("pipeline 'p': it is never ended; end it by to_sink(...) or done()"),
    ),
    Mistake(
        lambda: opened().new_pipeline("q", SOURCE).done(),
        ("pipeline 'q': begins while pipeline 'p' is open; end that by to_sink(...) or done() first"),
    ),
    Mistake(
        lambda: opened().done().new_pipeline("p", SOURCE).done(),
        ("pipeline 'p': there is another pipeline of this name; give each its own"),
    ),
    Mistake(
        lambda: opened().to_sink(SINK).to(upper),
        ("step 'upper': pipeline 'p' has ended; write new_pipeline(NAME, SOURCE_CONFIG) before this"),
    ),
    Mistake(
        lambda: opened().to_sink(SINK).to_sink(SINK),
        ("sink: pipeline 'p' has ended; write new_pipeline(NAME, SOURCE_CONFIG) before this"),
    ),
    Mistake(
        lambda: builder().done().new_pipeline("p", SOURCE).done(),
        ("done(): no pipeline is open; write new_pipeline(NAME, SOURCE_CONFIG) before this"),
    ),
    Mistake(
        lambda: opened().to_sink(encoder),
        (
            "pipeline 'p', sink: sink_config must be TCPSinkConfig(HOST, PORT, ENCODER), not encoder, an "
            "@wallaroo.encoder"
        ),
    ),
    Mistake(
        lambda: builder().new_pipeline("p", decode).done(),
        (
            "pipeline 'p', source: source_config must be TCPSourceConfig(HOST, PORT, DECODER), not decoder, "
            "a @wallaroo.decoder"
        ),
    ),
    Mistake(
        lambda: opened().to_sink(W.TCPSinkConfig("h", "http", encoder)),
        ("pipeline 'p', sink: port must be a number from 0 to 65535, not the str 'http'"),
    ),
    Mistake(
        lambda: opened().to_sink(W.TCPSinkConfig("h", 0, decode)),
        (
            "pipeline 'p', sink: the encoder of TCPSinkConfig must be a function decorated by "
            "@wallaroo.encoder, not decoder, a @wallaroo.decoder; decoder belongs in TCPSourceConfig(HOST, "
            "PORT, decoder)"
        ),
    ),
    Mistake(
        lambda: builder().new_pipeline(3, SOURCE).done(),
        ("pipeline 3: its name must be a str, not the int 3"),
    ),
    Mistake(
        lambda: W.ApplicationBuilder(7).new_pipeline("p", SOURCE).done(),
        ("application 7: its name must be a str, not the int 7"),
    ),
]

DECORATED: list[Mistake] = [
    Mistake(
        lambda: W.computation(plain),
        ('@wallaroo.computation needs a name; write @wallaroo.computation(name="plain") above "def plain"'),
    ),
    Mistake(
        lambda: W.state_computation(two),
        ('@wallaroo.state_computation needs a name; write @wallaroo.state_computation(name="two") above "def two"'),
    ),
    Mistake(
        lambda: W.state_computation_multi(two),
        (
            "@wallaroo.state_computation_multi needs a name; write "
            '@wallaroo.state_computation_multi(name="two") above "def two"'
        ),
    ),
    Mistake(
        lambda: W.decoder(plain),
        (
            "@wallaroo.decoder needs header_length and length_fmt; write "
            '@wallaroo.decoder(header_length=4, length_fmt=">I") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.decoder(4)(plain),
        (
            "@wallaroo.decoder: missing a required argument: 'length_fmt'; write "
            '@wallaroo.decoder(header_length=4, length_fmt=">I") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.partition()(plain),
        ('@wallaroo.partition stands without parentheses; write @wallaroo.partition above "def plain"'),
    ),
    Mistake(
        lambda: W.encoder(name="x")(plain),
        ('@wallaroo.encoder stands without parentheses; write @wallaroo.encoder above "def plain"'),
    ),
    Mistake(
        lambda: W.computation(nmae="x")(plain),
        (
            "@wallaroo.computation: missing a required argument: 'name'; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.computation("x")(Shout),
        (
            "@wallaroo.computation decorates a function, not the class Shout; write "
            '@wallaroo.computation(name="Shout") above "def Shout"'
        ),
    ),
    Mistake(
        lambda: W.computation("x")(two),
        ('@wallaroo.computation calls two(data), but the function is two(data, more); write "def two(data)"'),
    ),
    Mistake(
        lambda: W.state_computation("x")(plain),
        (
            "@wallaroo.state_computation calls plain(data, state), but the function is plain(data); write "
            '"def plain(data, state)"'
        ),
    ),
    Mistake(
        lambda: W.computation("x")(yields),
        (
            "@wallaroo.computation needs what yields returns, but it yields; write "
            '@wallaroo.computation_multi(name="...") if it has several results'
        ),
    ),
    Mistake(
        lambda: W.state_computation("x")(yields),
        ('@wallaroo.state_computation needs what yields returns, but it yields; write "return output, changed"'),
    ),
    Mistake(
        lambda: W.state_computation_multi("x")(yields),
        (
            '@wallaroo.state_computation_multi needs what yields returns, but it yields; write "return '
            'outputs, changed" with a list of outputs'
        ),
    ),
    Mistake(
        lambda: W.partition(yields),
        ('@wallaroo.partition needs what yields returns, but it yields; write "return"'),
    ),
    Mistake(
        lambda: W.computation("x")(later),
        ('@wallaroo.computation cannot call later, which is async; write "def later" without async'),
    ),
    Mistake(
        lambda: W.computation("")(plain),
        (
            "@wallaroo.computation is wrong here: its name must not be empty; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.computation(3)(plain),
        (
            "@wallaroo.computation is wrong here: its name must be a str, not the int 3; write "
            '@wallaroo.computation(name="plain") above "def plain"'
        ),
    ),
    Mistake(
        lambda: W.encoder(upper),
        (
            "@wallaroo.encoder decorates a function, not upper, a @wallaroo.computation; write "
            '@wallaroo.encoder above "def upper"'
        ),
    ),
    Mistake(
        lambda: W.decoder(4, ">H")(plain),
        (
            "@wallaroo.decoder: header_length is 4, but length_fmt '>H' describes 2 bytes; write for example "
            '@wallaroo.decoder(header_length=4, length_fmt=">I")'
        ),
    ),
    Mistake(
        lambda: W.decoder(0, ">I")(plain),
        (
            "@wallaroo.decoder: header_length must be an int from 1 to 4096, not the int 0; write for "
            'example @wallaroo.decoder(header_length=4, length_fmt=">I")'
        ),
    ),
    Mistake(
        lambda: W.decoder(4, ">f")(plain),
        (
            "@wallaroo.decoder: length_fmt '>f' must be a format of the module struct with exactly one "
            "integer, one of bBhHiIlLqQnN, and for the rest pad bytes (x); write for example "
            '@wallaroo.decoder(header_length=4, length_fmt=">I")'
        ),
    ),
]

ADDRESSES: list[Mistake] = [
    Mistake(
        lambda: W.tcp_parse_input_addrs([]),
        ("the argument --in is missing; give for example --in 127.0.0.1:7010"),
    ),
    Mistake(
        lambda: W.tcp_parse_output_addrs(["--out", "7002"]),
        ("the address '7002' of --out is not HOST:PORT or [IPV6]:PORT; give for example --out 127.0.0.1:7002"),
    ),
    Mistake(
        lambda: W.tcp_parse_output_addrs(["--out", "h:x"]),
        (
            "the address 'h:x' of --out has a port that is not a number from 0 to 65535; give for example "
            "--out 127.0.0.1:7002"
        ),
    ),
]


class Texts(unittest.TestCase):
    def test_of_what_is_built(self) -> None:
        for mistake in BUILT:
            with self.subTest(mistake.says), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                mistake.write().build()  # type: ignore[attr-defined]
            header, line = str(caught.exception).split("\n")
            self.assertRegex(header, "^application .+ cannot be built:$")
            place = re.match(rf"  {re.escape(__file__)}:\d+: ", line)
            self.assertEqual(line[place.end() if place else 0 :], mistake.says)

    def test_of_what_is_decorated(self) -> None:
        for mistake in DECORATED:
            with self.subTest(mistake.says):
                decorated: Any = mistake.write()
                [told] = decorated.mistakes
                self.assertRegex(told, rf"^{re.escape(__file__)}:\d+: ")
                self.assertEqual(told.partition(": ")[2], mistake.says)

    def test_of_addresses(self) -> None:
        for mistake in ADDRESSES:
            with self.subTest(mistake.says), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                mistake.write()
            self.assertEqual(str(caught.exception), mistake.says)

    def test_of_several_mistakes_together(self) -> None:
        ab = builder()
        ab.new_pipeline("p", SOURCE)
        ab.to(plain)
        ab.to_stateful(upper, OfTwo, "")
        with self.assertRaises(wallaroo.WallarooParameterError) as caught:
            ab.build()
        lines = [re.sub(rf"^  {re.escape(__file__)}:\d+: ", "", line) for line in str(caught.exception).split("\n")]
        self.assertEqual(
            lines,
            [
                "application 'app' cannot be built:",
                (
                    "pipeline 'p', step 'plain': the computation of to() must be a function decorated by "
                    "@wallaroo.computation or @wallaroo.computation_multi, not the plain function plain; write "
                    '@wallaroo.computation(name="plain") above "def plain"'
                ),
                (
                    "pipeline 'p', step 'upper': the computation of to_stateful() must be a function decorated by "
                    "@wallaroo.state_computation or @wallaroo.state_computation_multi, not upper, a "
                    "@wallaroo.computation; upper belongs in to(upper) or to_parallel(upper)"
                ),
                "pipeline 'p', step 'upper': state_name must not be empty",
                (
                    "pipeline 'p', step 'upper': the constructor of OfTwo must require nothing, but it requires (key, "
                    "other); give them defaults, or set them in the state computation"
                ),
                "pipeline 'p': it is never ended; end it by to_sink(...) or done()",
            ],
        )


if __name__ == "__main__":
    unittest.main()
