"""What `wallaroo.testing` does with applications, right and wrong ones, and how it tells what is wrong."""

from __future__ import annotations

import importlib.util
import threading
import unittest
from collections import defaultdict
from pathlib import Path
from typing import Any

import wallaroo
from staging import Count, Failed, build, count, split, whole_word
from wallaroo._application import Application
from wallaroo.testing import ApplicationFailed, run

counting = build(lambda ab: ab.to(split).to_state_partition(count, Count, "counts", whole_word))


class Log:
    """What came, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []


@wallaroo.state_computation(name="log")
def log(word: str, state: Log) -> tuple[str, bool]:
    state.seen.append(word)
    return (word, True)


@wallaroo.partition
def letter(word: str) -> str:
    return word[0]


@wallaroo.partition
def last(word: str) -> str:
    return word[-1]


@wallaroo.computation(name="fragile")
def fragile(word: str) -> str:
    if word == "bad":
        raise ValueError("a bad word")
    return word


@wallaroo.computation(name="spread")
def spread(word: str) -> str:
    return word


class Locked:
    """A state, or a message, that cannot become bytes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@wallaroo.state_computation(name="lock")
def lock(word: object, state: Locked) -> tuple[str, bool]:
    return str(word), True


@wallaroo.computation(name="locked")
def locked(word: str) -> Locked:
    return Locked()


@wallaroo.partition
def same(message: object) -> int:
    return 1


def two_pipelines() -> Application:
    """Two pipelines that share a state, one of them without a sink."""
    ab = wallaroo.ApplicationBuilder("two")
    ab.new_pipeline("p", wallaroo.TCPSourceConfig("", 0, counting.pipelines[0].source.decoder))
    ab.to_state_partition(log, Log, "log", letter).to_state_partition(log, Log, "shared", last)
    ab.to_stateful(log, Log, "all")
    ab.to_sink(wallaroo.TCPSinkConfig("", 1, encoder)).new_pipeline("q", counting.pipelines[0].source)
    ab.to_state_partition(log, Log, "shared", last).done()
    return ab.build()


def no_sink() -> Application:
    return wallaroo.ApplicationBuilder("none").new_pipeline("p", counting.pipelines[0].source).done().build()


@wallaroo.encoder
def encoder(word: str) -> str:
    return word


class Runs(Failed):
    def test_gives_what_the_sink_gets(self) -> None:
        result = run(counting, ["a b", "a"])
        self.assertEqual(result.output, [b"a1", b"b1", b"a2"])
        self.assertEqual(result.outputs, {"p": result.output})
        self.assertEqual((result.text, result.failures), ("a1b1a2", []))
        self.assertEqual(repr(result), "<Result of 'test': 3 outputs of 'p', 0 failures>")

    def test_gives_the_header_of_an_encoder_too(self) -> None:
        @wallaroo.encoder(header_length=2, length_fmt=">H")
        def framed(word: str) -> str:
            return word

        result = run(build(lambda ab: ab.to(split), encoder=framed), ["a bc"])
        self.assertEqual(result.output, [b"\0\1a", b"\0\2bc"])
        self.assertEqual(result.text, "\0\1a\0\2bc")
        self.assertEqual(framed("bc"), "bc")

    def test_shows_state(self) -> None:
        result = run(counting, [b"a b", b"a"])
        for each in (result, run(counting, ["a b", "a"], executors=3)):
            self.assertEqual(each.entity("counts", "a").n, 2)
            self.assertEqual(sorted(each.keys("counts")), ["a", "b"])
        with self.fails("no entity of the key 'c'", "'a'", error=KeyError):
            result.entity("counts", "c")
        with self.fails("no state 'count'", "'counts'", error=KeyError):
            result.entity("count", "a")
        with self.fails("there is no state 'count', but ['counts']", error=KeyError):
            result.keys("count")
        with self.fails("there is no state 'count', and the application has no other", error=KeyError):
            run(build(lambda ab: ab.to(fragile)), []).keys("count")

    def test_is_calm_without_a_seed(self) -> None:
        lines = [f"k{n % 17}" for n in range(200)]
        for executors in (2, 5):
            self.assertEqual(run(counting, lines, executors=executors).output, run(counting, lines).output)

    def test_starts_afresh_each_time(self) -> None:
        self.assertEqual([run(counting, ["a"]).output for _ in range(2)], [[b"a1"]] * 2)

    def test_takes_inputs_of_several_pipelines(self) -> None:
        application = two_pipelines()
        for executors in (1, 3):
            result = run(application, {"q": ["a", "b"], "p": ["ca"]}, executors=executors)
            self.assertEqual(result.outputs, {"p": [b"ca"]})
            self.assertEqual(result.entity("shared", "a").seen, ["a", "ca"])
            self.assertEqual(result.entity("all").seen, ["ca"])
            mixed = run(application, [("p", "xa"), ("q", "ya"), ("p", "za")], executors=executors)
            self.assertEqual(mixed.entity("shared", "a").seen, ["xa", "ya", "za"])

    def test_uses_the_serializer_of_the_application(self) -> None:
        kinds = []

        def serialize(value: object) -> bytes:
            kinds.append(type(value).__name__)
            return f"{value.n}".encode() if isinstance(value, Count) else b"s" + str(value).encode()

        def deserialize(data: bytes) -> object:
            if data[:1] == b"s":
                return data[1:].decode()
            state = Count()
            state.n = int(data)
            return state

        result = run(counting, ["a", "b", "a"], executors=2, seed=1, serialize=serialize, deserialize=deserialize)
        self.assertEqual(sorted(result.output), [b"a1", b"a2", b"b1"])
        self.assertIn("Count", kinds)
        with self.fails("two functions", error=TypeError):
            run(counting, [], serialize=serialize)

    def test_refuses_wrong_arguments(self) -> None:
        wrong: Any
        for wrong, text in (
            ("a b", "inputs must be a list of payloads"),
            (3, "inputs must be a list of payloads"),
            ([3], "a payload must be bytes"),
            ({"p": "a"}, "the inputs of 'p' must be a list"),
            ({"x": ["a"]}, "there is no pipeline 'x', but ['p']"),
            ([("x", "a")], "there is no pipeline 'x', but ['p']"),
        ):
            with self.subTest(wrong), self.fails(text, error=Exception):
                run(counting, wrong)
        with self.fails("the pipelines ['p', 'q']", "give inputs by pipeline", error=ValueError):
            run(two_pipelines(), ["a"])
        with self.fails("what build() returns", error=TypeError):
            run(wallaroo.ApplicationBuilder("x"), [])  # type: ignore[arg-type]
        with self.fails("executors must be an int from 1", error=ValueError):
            run(counting, [], executors=0)
        with self.fails("not one sink", error=ValueError):
            _ = run(no_sink(), ["a"]).output

    def test_refuses_a_payload_that_no_frame_has(self) -> None:
        @wallaroo.decoder(header_length=1, length_fmt=">B")
        def short(data: bytes) -> str:
            return data.decode()

        application = build(lambda ab: ab.to(split), decoder=short)
        self.assertEqual(run(application, ["x" * 255]).text, "x" * 255)
        with self.fails("256 bytes cannot come to pipeline 'p'", "at most 255", error=ValueError):
            run(application, ["x" * 256])


class Moves(Failed):
    """Runs with a seed: any order that the engine may give."""

    def test_keeps_the_order_of_each_key(self) -> None:
        words = [f"{'abcdefg'[n % 7]}{n}" for n in range(150)]
        application = build(lambda ab: ab.to_state_partition(log, Log, "one", letter).to(spread))
        orders = set()
        for seed in range(20):
            for executors in (1, 2, 4):
                result = run(application, words, executors=executors, seed=seed)
                orders.add(tuple(result.output))
                by_key: dict[str, list[str]] = defaultdict(list)
                for word in map(bytes.decode, result.output):
                    by_key[word[0]].append(word)
                for key in "abcdefg":
                    in_order = [word for word in words if word[0] == key]
                    self.assertEqual(by_key[key], in_order, (seed, executors))
                    self.assertEqual(result.entity("one", key).seen, in_order, (seed, executors))
        self.assertGreater(len(orders), 20)

    def test_takes_these_and_then_those(self) -> None:
        first, second = [f"x{n}" for n in range(9)], [f"y{n}" for n in range(9)]
        for seed in range(20):
            for executors in (1, 3):
                result = run(two_pipelines(), {"q": first}, {"p": second}, executors=executors, seed=seed)
                for n in range(9):
                    self.assertEqual(result.entity("shared", str(n)).seen, [f"x{n}", f"y{n}"])
        orders = set()
        application = build(lambda ab: ab.to_parallel(spread).to_stateful(log, Log, "one"))
        for seed in range(20):
            seen = run(application, first, second, first, executors=3, seed=seed).entity("one").seen
            self.assertEqual([sorted(seen[at : at + 9]) for at in (0, 9, 18)], [first, second, first])
            orders.add(tuple(seen))
        self.assertGreater(len(orders), 1)
        calm = run(application, first, second)
        self.assertEqual(calm.output, [word.encode() for word in first + second])
        wrong: Any = "a"
        with self.fails("inputs must be a list of payloads", error=TypeError):
            run(application, first, wrong)

    def test_loses_and_doubles_nothing(self) -> None:
        application = two_pipelines()
        inputs = {"p": [f"{n % 5}p{n % 3}" for n in range(90)], "q": [f"{n}q{n % 3}" for n in range(90)]}
        for seed in range(20):
            result = run(application, inputs, executors=3, seed=seed)
            self.assertEqual(sorted(map(bytes.decode, result.output)), sorted(inputs["p"]))
            self.assertEqual(sorted(result.entity("all").seen), sorted(inputs["p"]))
            shared = sorted(word for n in "012" for word in result.entity("shared", n).seen)
            self.assertEqual(shared, sorted(inputs["p"] + inputs["q"]))
            for n in "012":
                seen = result.entity("shared", n).seen
                self.assertEqual([w for w in seen if "q" in w], [w for w in inputs["q"] if w[-1] == n])

    def test_is_the_same_for_the_same_seed(self) -> None:
        def once(seed: int) -> list[bytes]:
            return run(counting, [f"k{n}" for n in range(50)], executors=3, seed=seed).output

        self.assertEqual(once(7), once(7))
        self.assertNotEqual(once(7), once(8))

    def test_spreads_what_is_parallel(self) -> None:
        application = build(lambda ab: ab.to_parallel(spread))
        words = [str(n) for n in range(100)]
        result = run(application, words, executors=3, seed=1)
        self.assertEqual(sorted(result.output), sorted(map(str.encode, words)))
        self.assertEqual(run(application, words, executors=3).output, list(map(str.encode, words)))

    def test_pickles_state_at_least_once(self) -> None:
        application = build(lambda ab: ab.to_state_partition(lock, Locked, "locks", whole_word))
        self.assertEqual(run(application, ["a"], executors=2).output, [b"a"])
        for executors in (1, 2, 3):
            with self.fails(
                "an entity of the state 'locks'",
                "the key 'a', cannot become bytes, as it must to move",
                "cannot pickle '_thread.lock'",
            ):
                run(application, ["a"], executors=executors, seed=0)


class Failures(Failed):
    def test_are_an_assertion_error_with_step_key_and_traceback(self) -> None:
        application = build(lambda ab: ab.to(fragile))
        with self.assertRaises(AssertionError) as caught:
            run(application, ["good", "bad", "good"])
        text = str(caught.exception)
        for part in (
            "a message failed",
            "p/fragile",
            "of the input b'bad'",
            "ValueError: a bad word",
            "test_testing.py",
        ):
            self.assertIn(part, text)
        self.assertNotIn("_rehearsal.py", text)
        assert isinstance(caught.exception, ApplicationFailed) and caught.exception.result is not None
        self.assertEqual(caught.exception.result.output, [b"good", b"good"])

    def test_may_be_looked_at(self) -> None:
        result = run(build(lambda ab: ab.to(fragile)), ["bad", "good"], check=False)
        [failure] = result.failures
        self.assertEqual((failure.step, failure.key, failure.input), ("p/fragile", None, b"bad"))
        self.assertEqual(failure.error, "ValueError: a bad word")
        self.assertIsInstance(failure.exception, ValueError)
        self.assertIn('raise ValueError("a bad word")', failure.traceback)
        self.assertIn("1 failures>\n  p/fragile", repr(result))

    def test_tell_the_key_and_what_was_returned(self) -> None:
        @wallaroo.state_computation(name="no pair")
        def no_pair(word: str, state: Log) -> Any:
            return word

        application = build(lambda ab: ab.to_state_partition(no_pair, Log, "log", whole_word))
        for executors in (1, 4):
            [failure] = run(application, ["w"], executors=executors, check=False).failures
            self.assertEqual((failure.step, failure.key, failure.input), ("p/no pair", "w", b"w"))
            self.assertIn("(output, changed)", failure.error)
            self.assertEqual(failure.traceback, "")

    def test_are_told_a_screen_of_them(self) -> None:
        @wallaroo.computation(name="brittle")
        def brittle(word: str) -> str:
            if word == "ugly":
                raise ValueError("an ugly word")
            return fragile(word)

        @wallaroo.computation_multi(name="several")
        def several(word: str) -> Any:
            return 5

        application = build(lambda ab: ab.to(brittle).to(several))
        failed = "ValueError: a bad word\nand 18 more at the same line\n\np/several, of the input b'good': got int 5;"
        wrong = "return [result] if there is one\nand 1 more of this step\n\np/brittle, of the input b'ugly': "
        with self.fails("22 messages failed\n\np/brittle, of the input b'bad'", failed, wrong):
            run(application, ["bad", "good", "ugly", "good"] + ["bad"] * 18)
        result = run(application, ["bad"] * 20, check=False)
        self.assertIn("\nand 19 more at the same line", repr(result))
        self.assertEqual(len(result.failures), 20)

    def test_of_many_kinds_are_told_a_screen_of_them(self) -> None:
        lines: dict[str, Any] = {}
        for n in range(8):
            exec(f"def fail():\n{chr(10) * n}    raise ValueError('kind {n}')", lines)  # noqa: S102
            lines[str(n)] = lines["fail"]

        @wallaroo.computation(name="various")
        def various(word: str) -> Any:
            return lines[word]()

        with self.fails("16 messages failed", "kind 4\nand 1 more at the same line\n\nand 6 more"):
            run(build(lambda ab: ab.to(various)), list("01234567") * 2)

    def test_of_keys_decoders_and_encoders_are_found(self) -> None:
        @wallaroo.partition
        def no_key(word: str) -> Any:
            return 0.5

        @wallaroo.encoder
        def no_bytes(word: str) -> Any:
            return 1

        application = build(lambda ab: ab.to_state_partition(count, Count, "counts", no_key))
        with self.fails("p/count key", "float 0.5, which cannot be a key"):
            run(application, ["a"])
        with self.fails("p/source", "UnicodeDecodeError"):
            run(counting, [b"\xff"])
        with self.fails("p/sink", "an encoder returns bytes"):
            run(build(lambda ab: ab.to(split), encoder=no_bytes), ["a"])

    def test_of_messages_that_cannot_travel_are_found(self) -> None:
        application = build(lambda ab: ab.to(locked).to_state_partition(lock, Locked, "locks", same))
        self.assertEqual(len(run(application, ["a", "b"]).output), 2)
        [failure] = run(application, ["a", "b"], executors=2, check=False).failures
        self.assertEqual((failure.step, failure.key), ("p/lock", 1))
        self.assertIn("cannot pickle '_thread.lock'", failure.error)

    def test_of_messages_that_cannot_arrive_are_found(self) -> None:
        application = build(lambda ab: ab.to(trapped).to_state_partition(lock, Locked, "locks", whole))
        with self.fails("cannot be read in another process", "not again"):
            run(application, [f"k{n}" for n in range(9)], executors=2)

    def test_of_named_keys_are_found(self) -> None:
        class Refuses:
            def __init__(self, key: str) -> None:
                raise ValueError(f"no {key}")

        @wallaroo.state_computation(name="never")
        def never(word: str, state: Refuses) -> tuple[str, bool]:
            return word, True

        application = build(lambda ab: ab.to_state_partition(never, Refuses, "s", whole_word, ["k"]))
        with self.fails("making the entities of state 's' failed", "ValueError: no k"):
            run(application, [])

    def test_do_not_hold_up_who_ends_the_test(self) -> None:
        @wallaroo.computation(name="ended")
        def ended(word: str) -> str:
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            run(build(lambda ab: ab.to(ended)), ["a"])


class BeyondTypes(Failed):
    """Mistakes that no type checker finds are found by the first test."""

    def test_fail_at_build_or_at_the_first_message(self) -> None:
        spec = importlib.util.spec_from_file_location("beyond", Path(__file__).parent / "typing" / "beyond.py")
        assert spec is not None and spec.loader is not None
        beyond = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(beyond)
        applications = beyond.applications()
        for application in applications:
            with self.fails("a message failed"):
                run(application, ["abc"])
        with self.fails("partition_keys must be a list of keys", error=wallaroo.WallarooParameterError):
            beyond.keys_as_text()
        for wrong in (beyond.text_as_inputs, beyond.number_as_input):
            with self.fails("must be", error=TypeError):
                wrong(applications[0])


class Trap:
    def __init__(self, word: str) -> None:
        self.word = word

    def __setstate__(self, state: object) -> None:
        raise ValueError("not again")


@wallaroo.computation(name="trapped")
def trapped(word: str) -> Trap:
    return Trap(word)


@wallaroo.partition
def whole(message: Trap) -> str:
    return message.word


if __name__ == "__main__":
    unittest.main()
