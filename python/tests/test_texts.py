"""What is written wrongly in the builder, and the exact words about it."""

from __future__ import annotations

import copy
import re
import unittest
from typing import Any

import wallaroo
from parts import (
    SINK,
    SOURCE,
    Mistake,
    OfKey,
    OfKeyword,
    OfTwo,
    Shout,
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
from wallaroo._places import raising

W: Any = wallaroo  # without types, to be given what mypy would refuse


class Words:
    def compute_multi(self, data: str) -> list[str]:
        return data.split()


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
        lambda: opened().to(lambda data: data).done(),
        (
            "pipeline 'p', step '<lambda>': the computation of to() must be a function decorated by "
            '@wallaroo.computation or @wallaroo.computation_multi, not a lambda; write "def NAME(data)" in place of '
            'the lambda, with @wallaroo.computation(name="NAME") above it'
        ),
    ),
    Mistake(
        lambda: opened().to_stateful(lambda data, state: data, Totals, "t").done(),
        (
            "pipeline 'p', step '<lambda>': the computation of to_stateful() must be a function decorated by "
            "@wallaroo.state_computation or @wallaroo.state_computation_multi, not a lambda; write "
            '"def NAME(data, state)" in place of the lambda, with @wallaroo.state_computation(name="NAME") above it'
        ),
    ),
    Mistake(
        lambda: with_state(Totals, "t", lambda data: data),
        (
            "pipeline 'p', step 'count': the partition_function of to_state_partition() must be a function "
            'decorated by @wallaroo.partition, not a lambda; write "def NAME(data)" in place of the lambda, with '
            "@wallaroo.partition above it"
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
            "pipeline 'p', step 'count': the constructor of OfKey requires (key), but here is one entity in all, and "
            "no key; write to_state_partition(...), which has an entity for each key, or give key a default"
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
        lambda: opened().to_state_partition(count, OfKey, "t", letter).to_stateful(repeat, OfKey, "t").done(),
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


CALLED: list[Mistake] = [
    Mistake(W.ApplicationBuilder, "ApplicationBuilder(): missing a required argument: 'name'; write {}(\"NAME\")"),
    Mistake(lambda: opened().to(), "to(): missing a required argument: 'computation'; write {}(COMPUTATION)"),
    Mistake(
        lambda: opened().to_parallel(upper, 5), "to_parallel(): too many positional arguments; write {}(COMPUTATION)"
    ),
    Mistake(
        lambda: opened().to_stateful(count, Totals),
        (
            "to_stateful(): missing a required argument: 'state_name'; write "
            '{}(STATE_COMPUTATION, STATE_CLASS, "STATE NAME")'
        ),
    ),
    Mistake(
        lambda: opened().to_state_partition(count, Totals, name="t", partition_function=letter),
        (
            "to_state_partition(): it has no argument 'name'; write "
            '{}(STATE_COMPUTATION, STATE_CLASS, "STATE NAME", PARTITION)'
        ),
    ),
    Mistake(
        lambda: opened().to_state_partition_u64(count, Totals, "t"),
        (
            "to_state_partition_u64(): missing a required argument: 'partition_function'; write "
            '{}(STATE_COMPUTATION, STATE_CLASS, "STATE NAME", PARTITION)'
        ),
    ),
    Mistake(
        lambda: builder().new_pipeline("p"),
        (
            "new_pipeline(): missing a required argument: 'source_config'; write "
            '{}("NAME", TCPSourceConfig(HOST, PORT, DECODER))'
        ),
    ),
    Mistake(
        lambda: opened().to_sink("h", 1, encoder),
        "to_sink(): too many positional arguments; write {}(TCPSinkConfig(HOST, PORT, ENCODER))",
    ),
    Mistake(lambda: opened().done(5), "done(): too many positional arguments; write {}()"),
    Mistake(lambda: opened().done().build(5), "build(): too many positional arguments; write {}()"),
    Mistake(
        lambda: W.TCPSourceConfig("h", 1),
        "TCPSourceConfig(): missing a required argument: 'decoder'; write {}(HOST, PORT, DECODER)",
    ),
    Mistake(
        lambda: W.TCPSinkConfig("h", 1, encode=encoder),
        "TCPSinkConfig(): it has no argument 'encode'; write {}(HOST, PORT, ENCODER)",
    ),
    Mistake(
        W.tcp_parse_input_addrs,
        "tcp_parse_input_addrs(): missing a required argument: 'args'; write {}(args)",
    ),
    Mistake(
        lambda: W.tcp_parse_output_addrs([], 0),
        "tcp_parse_output_addrs(): too many positional arguments; write {}(args)",
    ),
    Mistake(lambda: opened().to_paralel(upper), "ApplicationBuilder has no 'to_paralel'; write to_parallel"),
    Mistake(
        lambda: opened().window(5),
        (
            "ApplicationBuilder has no 'window'; it has new_pipeline, to, to_parallel, to_stateful, "
            "to_state_partition, to_state_partition_u64, to_sink, done, build"
        ),
    ),
]
"""Calls that raise at once. {} stands for what is called."""


class Texts(unittest.TestCase):
    def test_of_wrong_calls(self) -> None:
        for mistake in CALLED:
            says = mistake.says.replace("{}", mistake.says.partition("(")[0])
            with self.subTest(says), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                mistake.write()
            self.assertEqual(str(caught.exception), says)
            self.assertEqual(raising(caught.exception).rpartition(":")[0], __file__)

    def test_a_builder_and_its_parts_are_objects_like_others(self) -> None:
        self.assertFalse(hasattr(builder(), "window"))
        self.assertEqual(copy.deepcopy(SOURCE), SOURCE)
        self.assertIsInstance(copy.deepcopy(builder()).new_pipeline("p", SOURCE).done().build(), wallaroo.Application)

    def test_of_what_is_built(self) -> None:
        for mistake in BUILT:
            with self.subTest(mistake.says), self.assertRaises(wallaroo.WallarooParameterError) as caught:
                mistake.write().build()  # type: ignore[attr-defined]
            header, line = str(caught.exception).split("\n")
            self.assertRegex(header, "^application .+ cannot be built:$")
            place = re.match(rf"  {re.escape(__file__)}:\d+: ", line)
            self.assertEqual(line[place.end() if place else 0 :], mistake.says)

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
