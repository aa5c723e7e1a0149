"""Atomic steps: an entity is put back as it was before the message at which the step failed."""

from __future__ import annotations

import threading
import unittest
from collections.abc import Iterator
from typing import Any

import wallaroo
from staging import PARTITIONS, Count, Failed, Running, build, whole_word
from wallaroo._keys import canonical, partition_of
from wallaroo._protocol import Load, Open, Switch
from wallaroo._results import PICKLE, Serializer


class Words:
    def __init__(self) -> None:
        self.words: list[str] = []


@wallaroo.partition
def first_letter(word: str) -> str:
    return word[0]


def say(words: Words, word: str) -> str:
    words.words.append(word)
    if "raises" in word:
        raise ValueError(word)
    return ",".join(words.words)


@wallaroo.state_computation(name="it", atomic=True)
def atomic(word: str, words: Words) -> Any:
    said = say(words, word)
    return {"a-no pair": 5, "a-no bool": (said, 1)}.get(word, (said, True))


@wallaroo.state_computation_multi(name="it", atomic=True)
def atomic_multi(word: str, words: Words) -> tuple[Iterator[str], bool]:
    def lazily() -> Iterator[str]:
        yield word
        yield say(words, word)

    return (lazily(), True)


def run(computation: Any, *words: str, serializer: Serializer = PICKLE, key: Any = first_letter) -> Running:
    steps = build(lambda builder: builder.to_state_partition(computation, Words, "words", key))
    running = Running(steps, serializer=serializer)
    running.process(*words)
    return running


class Atomic(Failed):
    def test_whatever_fails_leaves_the_entity_as_it_was(self) -> None:
        words = ["a1", "a-raises", "a2", "a-no pair", "a-no bool", "b-raises", "a3", "b1"]
        running = run(atomic, *words)
        self.assertEqual([data.decode() for data in running.out.sent], ["a1", "a1,a2", "a1,a2,a3", "b1"])
        self.assertEqual(running.out.lost, ["a-raises", "a-no pair", "a-no bool", "b-raises"])
        self.assertEqual(running.out.failures[0][2:], ("ValueError: a-raises", "a"))

    def test_of_several_results_too_that_are_taken_later(self) -> None:
        running = run(atomic_multi, "a1", "a-raises", "a2")
        self.assertEqual([data.decode() for data in running.out.sent], ["a1", "a1", "a2", "a1,a2"])

    def test_keys_that_stand_apart_in_python_too(self) -> None:
        @wallaroo.partition
        def key(word: str) -> Any:
            return (1, word[0])

        running = run(atomic, "a1", "a-raises", "a2", key=key)
        self.assertEqual([data.decode() for data in running.out.sent], ["a1", "a1,a2"])

    def test_one_entity_in_all(self) -> None:
        running = Running(build(lambda builder: builder.to_stateful(atomic, Words, "words")))
        self.assertEqual(running.process("a1", "raises", "a2"), ["a1", "a1,a2"])

    def test_with_functions_of_the_applications_own(self) -> None:
        def restore(data: bytes) -> Words:
            words = Words()
            words.words = data.decode().split()
            return words

        own = Serializer(lambda words: " ".join(words.words).encode(), restore)  # type: ignore[attr-defined]
        running = run(atomic, "a1", "a-raises", "a2", serializer=own)
        self.assertEqual([data.decode() for data in running.out.sent], ["a1", "a1,a2"])

    def test_while_its_partition_is_shut(self) -> None:
        running = run(atomic, "a1")
        partition = partition_of(canonical("a"), PARTITIONS)
        [(_, state)] = running.stages.switch(Switch(1, 0, [(partition, 1)]))
        list(running.stages.switch(Switch(1, 0, [(partition, 0)])))
        running.stages.load(Load(1, 0, partition, b"".join(state)))
        running.process("a-raises", "a2")
        waiting = [piece for _, _, piece in running.out.waiting]
        running.packed(1, *waiting, settles=True)
        running.stages.open(Open(1, 1, [partition]))
        self.assertEqual(running.process("a3"), ["a1", "a1,a2", "a1,a2,a3"])

    def test_others_keep_what_they_have_changed(self) -> None:
        @wallaroo.state_computation(name="it")
        def it(word: str, words: Words) -> tuple[str, bool]:
            return (say(words, word), True)

        running = run(it, "a1", "a-raises", "a2")
        self.assertEqual(running.process(), ["a1", "a1,a-raises,a2"])

    def test_an_entity_that_cannot_be_copied_fails_before_the_call(self) -> None:
        class Locked:
            def __init__(self) -> None:
                self.lock = threading.Lock()

        @wallaroo.state_computation(name="it", atomic=True)
        def it(word: str, state: Locked) -> tuple[str, bool]:
            raise AssertionError("it was called")

        running = Running(build(lambda builder: builder.to_state_partition(it, Locked, "c", whole_word)))
        running.process("a")
        self.assertIn("an atomic step needs a copy of", running.out.failures[0][2])
        self.assertIn("make the state class picklable", running.out.failures[0][2])

    def test_an_entity_that_cannot_be_put_back_is_told(self) -> None:
        def restore(data: bytes) -> object:
            raise OSError("no more")

        own = Serializer(lambda words: b"", restore)
        running = run(atomic, "a-raises", serializer=own)
        self.assertIn("ValueError: a-raises; and the entity cannot be put back", running.out.failures[0][2])

    def test_atomic_is_a_bool(self) -> None:
        wrong: Any = "yes"

        @wallaroo.state_computation(name="it", atomic=wrong)
        def it(word: str, state: Count) -> tuple[str, bool]:
            return (word, True)

        with self.fails("atomic must be True or False", error=wallaroo.WallarooParameterError):
            build(lambda builder: builder.to_stateful(it, Count, "c"))
        self.assertEqual((atomic.atomic, atomic_multi.atomic), (True, True))


if __name__ == "__main__":
    unittest.main()
