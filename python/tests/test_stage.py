"""What a stage does with messages: results, failures, state, as the engine sees them."""

from __future__ import annotations

import unittest
from array import array
from collections.abc import Iterator
from typing import Any

import wallaroo
from staging import Collected, Count, Running, build, count, plain, run, split, text, whole_word
from wallaroo._encoding import Encoding
from wallaroo._entities import Entities
from wallaroo._keys import canonical, partition_of
from wallaroo._owners import Owners
from wallaroo._results import PICKLE


class Results(unittest.TestCase):
    def result_of(self, value: object, multi: bool = False) -> Collected:
        """What comes of one message if a computation returns this value."""
        decorate: Any = wallaroo.computation_multi if multi else wallaroo.computation

        def give(data: str) -> Any:
            return value

        return run(lambda builder: builder.to(decorate(name="it")(give)), "m")

    def test_none_drops_the_message(self) -> None:
        self.assertEqual((self.result_of(None).sent, self.result_of(None).failures), ([], []))

    def test_false_values_are_values(self) -> None:
        values: list[Any] = [0, "", False, []]
        for value in values:
            self.assertEqual(self.result_of(value).sent, [str(value).encode()])

    def test_many_results_may_be_any_iterable_and_none_in_it_is_dropped(self) -> None:
        values: list[Any] = [["a", None, "b"], ("a", "b"), iter(["a", "b"]), (x for x in "ab"), {"a": 1, "b": 2}.keys()]
        for value in values:
            self.assertEqual(self.result_of(value, multi=True).sent, [b"a", b"b"])
        nothing: list[Any] = [None, [], ()]
        for value in nothing:
            out = self.result_of(value, multi=True)
            self.assertEqual((out.sent, out.failures), ([], []))

    def test_many_results_are_taken_whole_though_the_user_keeps_the_list(self) -> None:
        kept: list[str] = ["a", "b"]

        @wallaroo.computation_multi(name="it")
        def it(line: str) -> list[str]:
            return kept

        @wallaroo.computation(name="add")
        def add(word: str) -> str:
            kept.append("more")
            return word

        self.assertEqual(run(lambda builder: builder.to(it).to(add), "m").sent, [b"a", b"b"])

    def test_what_has_places_is_an_iterable_too(self) -> None:
        class Places:
            def __getitem__(self, place: int) -> str:
                return "ab"[place]

        self.assertEqual(self.result_of(Places(), multi=True).sent, [b"a", b"b"])

    def test_what_nobody_means_by_many_is_a_failure(self) -> None:
        for value in ("ab", b"ab", bytearray(b"ab"), memoryview(b"ab"), {"a": 1}, 5):
            out = self.result_of(value, multi=True)
            self.assertEqual((out.sent, len(out.failures)), ([], 1))
            self.assertIn(type(value).__name__, out.failures[0][2])

    def test_encoders_return_bytes_or_text_or_nothing(self) -> None:
        for value, sent in (
            (b"a", [b"a"]),
            (b"", [b""]),
            (bytearray(b"a"), [b"a"]),
            ("\u00e9", [b"\xc3\xa9"]),
            ("", [b""]),
            (None, []),
        ):

            @wallaroo.encoder
            def it(data: object, value: Any = value) -> Any:
                return value

            out = run(lambda builder: builder, "m", encoder=it)
            self.assertEqual((out.sent, out.failures), (sent, []))

    def test_other_results_of_an_encoder_are_failures(self) -> None:
        for value in (5, 1.5, ["a"], "\ud800"):

            @wallaroo.encoder
            def it(data: object, value: Any = value) -> Any:
                return value

            out = run(lambda builder: builder, "m", encoder=it)
            self.assertEqual((out.sent, [failure[1] for failure in out.failures]), ([], ["p/sink"]))

    def test_a_wrong_result_of_an_encoder_among_many_is_found(self) -> None:
        @wallaroo.encoder
        def it(word: str) -> Any:
            return {"int": 5, "lone": "\ud800", "bytes": b"B", "none": None, "accent": "\u00e9"}.get(word, word)

        lines = ["a int b", "", "none", "lone", "bytes accent", *(f"w{n}" for n in range(200)), "x int", "y"]
        out = run(lambda builder: builder.to(split), *lines, encoder=it)
        self.assertEqual([failure[:2] for failure in out.failures], [(0, "p/sink"), (3, "p/sink"), (205, "p/sink")])
        words = ["a", "b", "B", "\u00e9", *(f"w{n}" for n in range(200)), "x", "y"]
        self.assertEqual([word.decode() for word in out.sent], words)

    def test_an_encoder_with_a_header_gives_frames(self) -> None:
        for value, sent in (
            (b"ab", [b"\0\0\2ab"]),
            (b"", [b"\0\0\0"]),
            (bytearray(b"a"), [b"\0\0\1a"]),
            (memoryview(array("H", [257])), [b"\0\0\2\1\1"]),
            ("\u00e9", [b"\0\0\2\xc3\xa9"]),
            ("", [b"\0\0\0"]),
            (None, []),
        ):

            @wallaroo.encoder(header_length=3, length_fmt=">xH")
            def it(data: object, value: Any = value) -> Any:
                return value

            out = run(lambda builder: builder.to(split), "m n", encoder=it)
            self.assertEqual((out.sent, out.failures), (2 * sent, []))

    def test_what_is_too_long_for_its_header_is_a_failure(self) -> None:
        @wallaroo.encoder(header_length=1, length_fmt="b")
        def it(word: str) -> Any:
            return {"long": 128 * "x", "accents": 64 * "\u00e9", "int": 5, "bytes": b"B"}.get(word, word)

        lines = ["a long b", "accents", 127 * "y", "int bytes", *(f"w{n}" for n in range(200)), "long", "z"]
        out = run(lambda builder: builder.to(split), *lines, encoder=it)
        self.assertEqual([failure[:2] for failure in out.failures], [(n, "p/sink") for n in (0, 1, 3, 204)])
        self.assertIn("got 128 bytes; the header that @wallaroo.encoder describes can tell of", out.failures[0][2])
        words = ["a", "b", 127 * "y", "B", *(f"w{n}" for n in range(200)), "z"]
        self.assertEqual(out.sent, [bytes([len(word)]) + word.encode() for word in words])

    def test_a_pipeline_without_a_sink_keeps_its_results(self) -> None:
        builder = wallaroo.ApplicationBuilder("test")
        builder.new_pipeline("p", wallaroo.TCPSourceConfig("127.0.0.1", 0, text))
        builder.to_state_partition(count, Count, "counts", whole_word).done()
        running = Running(builder.build())
        self.assertEqual(running.process("a", "a"), [])
        self.assertEqual(running.entity("counts", "a").n, 2)


class Failures(unittest.TestCase):
    def test_one_bad_word_of_ten_leaves_nine(self) -> None:
        @wallaroo.computation(name="check")
        def check(word: str) -> str:
            if word == "bad":
                raise ValueError("a bad word")
            return word

        out = run(lambda builder: builder.to(split).to(check), "a b c", "d e bad f g h i", "j")
        self.assertEqual([word.decode() for word in out.sent], list("abcdefghij"))
        self.assertEqual(out.failures, [(1, "p/check", "ValueError: a bad word", None)])

    def test_a_generator_that_raises_midway_gives_nothing(self) -> None:
        @wallaroo.computation_multi(name="it")
        def it(line: str) -> Iterator[str]:
            yield "first"
            raise ValueError(line)

        out = run(lambda builder: builder.to(it), "m")
        self.assertEqual((out.sent, out.failures), ([], [(0, "p/it", "ValueError: m", None)]))

    def test_whatever_is_raised_ends_one_message_only(self) -> None:
        for kind in (SystemExit, RecursionError, MemoryError, KeyboardInterrupt, GeneratorExit, StopIteration):

            @wallaroo.computation(name="it")
            def it(word: str, kind: type[BaseException] = kind) -> str:
                if word == "bad":
                    raise kind(word)
                return word

            out = run(lambda builder: builder.to(it), "a", "bad", "b")
            self.assertEqual((out.sent, [failure[:2] for failure in out.failures]), ([b"a", b"b"], [(1, "p/it")]))

    def test_a_decoder_that_raises_names_the_source(self) -> None:
        out = run(lambda builder: builder, "a", b"\xff", "b")
        self.assertEqual((out.sent, [failure[:2] for failure in out.failures]), ([b"a", b"b"], [(1, "p/source")]))

    def test_a_decoder_may_drop_messages(self) -> None:
        @wallaroo.decoder(header_length=1, length_fmt="B")
        def it(data: bytes) -> Any:
            return None if data == b"drop" else data.decode()

        self.assertEqual(run(lambda builder: builder, "a", "drop", "b", decoder=it).sent, [b"a", b"b"])

    def test_a_partition_function_that_raises_is_named(self) -> None:
        @wallaroo.partition
        def first(word: str) -> str:
            return word[0]

        out = run(lambda builder: builder.to_state_partition(count, Count, "counts", first), "a", "", "b")
        self.assertEqual([failure[:2] for failure in out.failures], [(1, "p/count key")])
        self.assertEqual(out.sent, [b"a1", b"b1"])

    def test_a_state_computation_must_say_whether_the_state_changed(self) -> None:
        for value in ("ab", ["a", True], ("a", 1), ("a", None), ("a",), ("a", True, 1), None):

            @wallaroo.state_computation(name="it")
            def it(word: str, state: Count, value: Any = value) -> Any:
                return value

            out = run(lambda builder: builder.to_state_partition(it, Count, "counts", whole_word), "k")
            self.assertEqual((out.sent, [failure[1] for failure in out.failures]), ([], ["p/it"]))
            self.assertEqual(out.failures[0][3], "k")
            self.assertIn("(output, changed)", out.failures[0][2])

    def test_what_a_failed_call_changed_stays(self) -> None:
        @wallaroo.state_computation(name="it")
        def it(word: str, state: Count) -> tuple[int, bool]:
            state.n += 1
            if state.n == 2:
                raise ValueError
            return (state.n, False)

        out = run(lambda builder: builder.to_stateful(it, Count, "counts"), "a", "a", "a")
        self.assertEqual(out.sent, [b"1", b"3"])


class State(unittest.TestCase):
    def test_each_key_has_an_entity_of_its_own(self) -> None:
        out = run(lambda builder: builder.to(split).to_state_partition(count, Count, "c", whole_word), "a b a", "b a")
        self.assertEqual(out.sent, [b"a1", b"b1", b"a2", b"b2", b"a3"])

    def test_keys_that_python_takes_for_equal_are_apart(self) -> None:
        keys: list[object] = [1, True, "1", b"1", None, (1,), (True,), "", 0, False]

        @wallaroo.partition
        def key(index: str) -> Any:
            return keys[int(index)]

        out = run(lambda builder: builder.to_state_partition(count, Count, "c", key), *(str(i) for i in range(10)))
        self.assertEqual(out.sent, [f"{i}1".encode() for i in range(10)])

    def test_what_cannot_be_a_key_is_a_failure(self) -> None:
        @wallaroo.partition
        def key(word: str) -> Any:
            return {"float": 1.0, "list": ["a"], "surrogate": "\ud800"}.get(word, word)

        out = run(
            lambda builder: builder.to_state_partition(count, Count, "c", key), "a", "float", "list", "surrogate", "a"
        )
        self.assertEqual(out.sent, [b"a1", b"a2"])
        self.assertEqual([failure[1] for failure in out.failures], ["p/count key"] * 3)

    def test_u64_keys(self) -> None:
        keys: list[object] = [0, 2**64 - 1, -1, 2**64, True, "0", 0]

        @wallaroo.partition
        def key(index: str) -> Any:
            return keys[int(index)]

        out = run(lambda builder: builder.to_state_partition_u64(count, Count, "c", key), *"0123456")
        self.assertEqual(out.sent, [b"01", b"11", b"62"])
        self.assertEqual([failure[0] for failure in out.failures], [2, 3, 4, 5])

    def test_stateful_has_one_entity(self) -> None:
        self.assertEqual(run(lambda builder: builder.to_stateful(count, Count, "c"), "a", "b").sent, [b"a1", b"b2"])

    def test_a_state_class_may_want_the_key(self) -> None:
        class Named:
            def __init__(self, key: str) -> None:
                self.key = key

        @wallaroo.state_computation(name="it")
        def it(word: str, state: Named) -> tuple[str, bool]:
            return (state.key + "!", False)

        self.assertEqual(run(lambda builder: builder.to_state_partition(it, Named, "c", whole_word), "k").sent, [b"k!"])

    def test_named_keys_exist_from_the_start(self) -> None:
        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word, ["a", "b", "c"]))
        [state] = application.states
        entities = Entities(state, Encoding(0, state, PICKLE))
        partitions = [partition_of(canonical(key), 64) for key in "abc"]
        self.assertEqual(len(set(partitions)), 3)
        entities.name_keys(Owners(1, [int(partition != partitions[2]) for partition in range(64)]))
        self.assertEqual(list(entities.changed), ["a", "b"])

    def test_steps_and_pipelines_share_a_state_by_its_name(self) -> None:
        builder = wallaroo.ApplicationBuilder("test")
        for name in ("p", "q"):
            builder.new_pipeline(name, wallaroo.TCPSourceConfig("127.0.0.1", 0, text))
            builder.to_state_partition(count, Count, "shared", whole_word)
            builder.to_sink(wallaroo.TCPSinkConfig("127.0.0.1", 1, plain))
        running = Running(builder.build())
        running.process("a", pipeline=0)
        self.assertEqual(running.process("a", pipeline=1), ["a1", "a2"])

    def test_a_result_that_is_its_entity_is_copied(self) -> None:
        @wallaroo.state_computation(name="it")
        def it(word: str, state: list[str]) -> tuple[list[str], bool]:
            state.append(word)
            return (state, True)

        seen: list[list[str]] = []

        @wallaroo.computation(name="keep")
        def keep(words: list[str]) -> str:
            seen.append(words)
            return ",".join(words)

        out = run(lambda builder: builder.to_stateful(it, list, "words").to(keep), "a", "b")
        self.assertEqual((out.sent, seen), ([b"a", b"a,b"], [["a"], ["a", "b"]]))

    def test_state_computations_with_several_results(self) -> None:
        @wallaroo.state_computation_multi(name="it")
        def it(word: str, state: list[str]) -> tuple[list[str], bool]:
            state.append(word)
            return (state, True)

        @wallaroo.state_computation(name="more")
        def more(word: str, state: list[str]) -> tuple[str, bool]:
            state.append("x")  # the list of results is taken whole: this must not be one of them
            return (word, True)

        out = run(lambda builder: builder.to_stateful(it, list, "words").to_stateful(more, list, "words"), "a", "b")
        self.assertEqual(out.sent, [b"a", b"a", b"x", b"b"])


if __name__ == "__main__":
    unittest.main()
