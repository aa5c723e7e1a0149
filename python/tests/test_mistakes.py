"""What build says of every mistake in building an application."""

from __future__ import annotations

import re
import unittest
from typing import Any

import wallaroo
from parts import SINK, SOURCE, OfKey, OfKeyword, OfTwo, Totals, count, decoder, encoder, letter, plain, repeat, upper
from wallaroo._mistakes import MOST_TOLD

# The same without types, to be given what mypy would refuse.
W: Any = wallaroo
Builder: Any = wallaroo.ApplicationBuilder
Source: Any = wallaroo.TCPSourceConfig
Sink: Any = wallaroo.TCPSinkConfig


class Shout:
    def name(self) -> str:
        return "shout"

    def compute(self, data: str) -> str:
        return data.upper()


def misused(pipeline: object = "p") -> Any:
    return Builder("app").new_pipeline(pipeline, SOURCE)


class Mistakes(unittest.TestCase):
    """Each call of the builder is wrong in one way, told by build with the place in this file."""

    def told(self, ab: Any) -> list[str]:
        with self.assertRaises(wallaroo.WallarooParameterError) as caught:
            ab.build()
        first, *lines = str(caught.exception).split("\n  ")
        self.assertRegex(first, r"^application .+ cannot be built:$")
        return lines

    def assert_told(self, ab: Any, where: str, *parts: str) -> None:
        lines = self.told(ab)
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], rf"^{re.escape(__file__)}:\d+: {where}: ")
        for part in parts:
            self.assertIn(part, lines[0])

    def test_names_of_applications_and_pipelines(self) -> None:
        self.assert_told(Builder("").new_pipeline("p", SOURCE).done(), "application ''", "empty")
        self.assert_told(misused("a\nb").done(), r"pipeline 'a\\nb'", "characters that print")
        self.assert_told(misused(None).done(), "pipeline None", "must be a str")
        self.assert_told(misused().done().new_pipeline("p", SOURCE).done(), "pipeline 'p'", "another pipeline")

    def test_pipelines_that_do_not_begin_or_end(self) -> None:
        self.assert_told(Builder("app"), "application 'app'", "has no pipeline; write new_pipeline(")
        self.assert_told(misused(), "pipeline 'p'", "never ended; end it by to_sink(...) or done()")
        self.assert_told(misused().new_pipeline("q", SOURCE).done(), "pipeline 'q'", "while pipeline 'p' is open")
        self.assert_told(
            misused().to_sink(SINK).to(upper), "step 'upper'", "pipeline 'p' has ended; write new_pipeline("
        )
        self.assert_told(misused().done().to_sink(SINK), "sink", "pipeline 'p' has ended")
        self.assert_told(
            Builder("app").to(upper).new_pipeline("p", SOURCE).done(), "step 'upper'", "no pipeline is open"
        )
        self.assert_told(Builder("app").done().new_pipeline("p", SOURCE).done(), r"done\(\)", "no pipeline is open")

    def test_sources_and_sinks(self) -> None:
        source, sink = "pipeline 'p', source", "pipeline 'p', sink"
        ab = Builder("app")
        self.assert_told(ab.new_pipeline("p", SINK).done(), source, "TCPSourceConfig(HOST, PORT, DECODER)")
        self.assert_told(
            misused().to_sink(encoder), sink, "TCPSinkConfig(HOST, PORT, ENCODER)", "not encoder, an @wallaroo.encoder"
        )
        self.assert_told(misused().to_sink(Sink("h", "http", encoder)), sink, "port", "'http'")
        swapped = Sink("h", 0, decoder)
        belongs = "decoder belongs in TCPSourceConfig(HOST, PORT, decoder)"
        self.assert_told(misused().to_sink(swapped), sink, "decorated by @wallaroo.encoder", belongs)
        undecorated = Source("h", 0, plain)
        write = 'write @wallaroo.decoder(header_length=4, length_fmt=">I") above "def plain"'
        ab = Builder("app")
        self.assert_told(ab.new_pipeline("p", undecorated).done(), source, "the plain function plain", write)

    def test_computations_in_the_wrong_place(self) -> None:
        step = "pipeline 'p', step 'count'"
        belongs = 'to_state_partition(count, STATE_CLASS, "STATE NAME", PARTITION)'
        self.assert_told(misused().to(count).done(), step, "a @wallaroo.state_computation;", belongs)
        self.assert_told(misused().to_parallel(count).done(), step, "of to_parallel()", belongs)
        step = "pipeline 'p', step 'upper'"
        for ab in (
            misused().to_stateful(upper, Totals, "totals"),
            misused().to_state_partition(upper, Totals, "totals", letter),
        ):
            self.assert_told(ab.done(), step, "belongs in to(upper) or to_parallel(upper)")

    def test_what_is_no_computation(self) -> None:
        wrong: tuple[tuple[Any, str, str], ...] = (
            (plain, "plain", 'write @wallaroo.computation(name="plain") above "def plain"'),
            (Shout, "Shout", 'instead of a class with methods write @wallaroo.computation(name="Shout")'),
            (Shout(), "Shout", 'instead of a class with methods write @wallaroo.computation(name="Shout")'),
            (None, "NoneType", "not None"),
            ("split", "str", "not the str 'split'"),
        )
        for computation, name, part in wrong:
            self.assert_told(misused().to(computation).done(), f"pipeline 'p', step '{name}'", part)
        ab = misused().to_stateful(Shout(), Totals, "totals").done()
        self.assert_told(ab, "pipeline 'p', step 'Shout'", '@wallaroo.state_computation(name="Shout")')

    def test_class_style_with_many_results_is_led_to_multi(self) -> None:
        class Words:
            def compute_multi(self, data: str) -> list[str]:
                return data.split()

        ab = misused().to(Words()).done()
        self.assert_told(ab, "pipeline 'p', step 'Words'", '@wallaroo.computation_multi(name="Words")')

    def test_state_classes(self) -> None:
        wrong: tuple[tuple[Any, bool, str], ...] = (
            (Totals(), True, "must be a class, not an object of class Totals; write the class itself"),
            (count, True, "must be a class, not count, a @wallaroo.state_computation"),
            (OfTwo, True, "must require nothing, or one positional argument, the key, but it requires (key, other)"),
            (OfKeyword, True, "but it requires (*, key)"),
            (OfKey, False, "the constructor of OfKey requires (key), but here is one entity in all, and no key"),
        )
        for cls, keyed, part in wrong:
            ab = misused()
            if keyed:
                ab.to_state_partition(count, cls, "totals", letter)
            else:
                ab.to_stateful(count, cls, "totals")
            self.assert_told(ab.done(), "pipeline 'p', step 'count'", part)

    def test_state_names(self) -> None:
        for name in ("", "a\nb", None, letter):
            ab = misused().to_stateful(count, Totals, name).done()
            self.assert_told(ab, "pipeline 'p', step 'count'", "state_name must ")

    def test_partitions(self) -> None:
        where = "pipeline 'p', step 'count'"
        write = 'write @wallaroo.partition above "def plain"'
        ab = misused().to_state_partition(count, Totals, "totals", plain)
        self.assert_told(ab.done(), where, "the partition_function of to_state_partition()", write)
        ab = misused().to_state_partition_u64(count, Totals, "totals", None)
        self.assert_told(ab.done(), where, "the partition_function of to_state_partition_u64()", "not None")

    def test_partition_keys(self) -> None:
        where = "pipeline 'p', step 'count'"
        wrong: tuple[object, ...] = (
            "abc",
            b"abc",
            3,
            (key for key in "abc"),
            [1.0],
            ["a", 1.0, 2.0],
            [["a"]],
            ["\ud800"],
            [("a", {})],
        )
        for keys in wrong:
            ab = misused().to_state_partition(count, Totals, "totals", letter, keys)
            self.assert_told(ab.done(), where, "partition_keys ")
        wrong = (["a"], [True], [-1], [2**64], [None])
        for keys in wrong:
            ab = misused().to_state_partition_u64(count, Totals, "totals", letter, keys)
            self.assert_told(ab.done(), where, "cannot be a key of to_state_partition_u64: make it ")

    def test_uses_of_a_state_that_disagree(self) -> None:
        def first() -> Any:
            return misused().to_state_partition(count, Totals, "totals", letter).done().new_pipeline("q", SOURCE)

        where, there = "pipeline 'q', step 'repeat'", "in pipeline 'p', step 'count'"
        ab = first().to_state_partition(repeat, OfKey, "totals", letter).done()
        self.assert_told(ab, where, "of class OfKey here and of class Totals", there)
        ab = first().to_stateful(repeat, Totals, "totals").done()
        self.assert_told(ab, where, "one entity in all (to_stateful) here", there)
        ab = first().to_state_partition_u64(repeat, Totals, "totals", letter).done()
        self.assert_told(ab, where, "an entity for each int (to_state_partition_u64) here", there)

    def test_are_told_together_each_with_its_line(self) -> None:
        ab = Builder("app")
        ab.new_pipeline("p", Source("h", "x", encoder))
        ab.to(plain)
        ab.to_stateful(upper, OfTwo, "")
        lines = self.told(ab)
        numbers = [int(line[len(__file__) + 1 :].partition(":")[0]) for line in lines]
        first = numbers[0]
        self.assertEqual(numbers[:-1], [first] * 2 + [first + 1] + [first + 2] * 3)
        self.assertIn("never ended", lines[-1])

    def test_of_decorators_are_told_with_them_once_and_with_their_own_line(self) -> None:
        step, key = W.computation(plain), W.partition(W.computation)
        decode, encode = W.decoder(4, ">H")(plain), W.encoder(Shout)
        ab = Builder("app").new_pipeline("p", Source("", 0, decode)).to(step).to_parallel(step)
        ab.to_state_partition(count, Totals, "", key).to_sink(Sink("", 0, encode))
        lines = self.told(ab)
        self.assertEqual(lines[:-2], [*decode.mistakes, *step.mistakes, *key.mistakes])
        self.assertIn("state_name must not be empty", lines[-2])
        self.assertEqual(lines[-1:], [*encode.mistakes])

    def test_beyond_a_screen_are_counted(self) -> None:
        ab = misused()
        for _ in range(MOST_TOLD + 3):
            ab.to(plain)
        lines = self.told(ab.done())
        self.assertEqual(len(lines), MOST_TOLD + 1)
        self.assertEqual(lines[-1], "and 3 more")

    def test_do_not_put_a_step_into_the_application(self) -> None:
        ab = misused().to(plain)
        for _ in range(2):
            self.assertEqual(len(self.told(ab.done())), 1)


if __name__ == "__main__":
    unittest.main()
