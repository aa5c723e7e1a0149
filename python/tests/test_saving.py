"""State that is saved in slices while messages flow: what had changed at a mark, as it was then, and nothing else."""

from __future__ import annotations

import random
import re
import threading
import unittest
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

import wallaroo
from staging import PARTITIONS, Count, Failed, Running, build, count, restored, whole_word
from wallaroo import testing
from wallaroo._application import Application
from wallaroo._encoding import Encoding, Stuck, read_entities
from wallaroo._keys import canonical, key_of, partition_of
from wallaroo._protocol import Load, Mark, Open, ProtocolError, Save, Saved, Switch
from wallaroo._results import PICKLE

PAGE = Path(__file__).parents[2] / "docs" / "format" / "entities.md"

KEYS: list[Any] = [1, True, "1", b"1", None, ("a", 1), 2**70, -5, "b", "c", 7, b"", (), "", 0, False]

KINDS = ["", "?", "!"]


@wallaroo.partition
def numbered(word: str) -> Any:
    """One of keys of all kinds, by the word's number."""
    return KEYS[int(word.rstrip("?!"))]


@wallaroo.state_computation(name="again")
def again(word: str, state: Count) -> tuple[str, bool]:
    if word.endswith("?"):
        return (word, False)
    state.n += 1
    if word.endswith("!"):
        raise ValueError
    return (word, True)


def counting() -> Application:
    """Each word meets its entity twice, at two stages: changes it, only reads it (3?), or changes it and fails (3!)."""
    return build(
        lambda builder: builder.to_state_partition(again, Count, "c", numbered).to_state_partition(
            again, Count, "c", numbered
        )
    )


def partition(key: object) -> int:
    return partition_of(canonical(key), PARTITIONS)


class Saver:
    """An executor, and what it has saved.

    Attributes:
        saved: the last that was saved of each key: its count.
        marked: what had changed at the last mark, and not before: the counts that are to be saved.
    """

    def __init__(self, application: Application) -> None:
        self.running = Running(application)
        self.encoding = Encoding(0, application.states[0], PICKLE)
        self.counts: dict[bytes, int] = {}
        self.changed: set[bytes] = set()
        self.marked: dict[bytes, int] = {}
        self.saved: dict[bytes, int] = {}
        self.left = False

    def word(self, number: int, kind: str = "") -> None:
        self.running.process(f"{number}{kind}")
        self.met(number, kind)

    def met(self, number: int, kind: str = "") -> None:
        """Note that a word has been processed."""
        key = canonical(KEYS[number])
        if kind != "?" or key not in self.counts:
            self.changed.add(key)
        self.counts[key] = self.counts.get(key, 0) + {"": 2, "?": 0, "!": 1}[kind]

    def mark(self) -> None:
        self.running.stages.mark(Mark(0, 0))
        self.marked = {key: self.counts[key] for key in self.changed}
        self.changed = set()
        self.saved, self.left = {}, True

    def save(self, size: int) -> int:
        """Save a slice; returns how many bytes it had."""
        length = 0
        for saved in self.running.stages.save(Save(0, size)):
            self.left = saved.left
            for data in saved.entities:
                [written] = read_entities(data)
                self.saved[written.key] = self.encoding.read(written).n  # type: ignore[attr-defined]
                length += len(data)
        return length

    def leave_and_return(self, number: int, chance: random.Random) -> None:
        """Have a partition leave and return. In between a mark may come, and a word, which waits."""
        at = partition(KEYS[number])
        rows = list(self.running.stages.switch(Switch(0, 0, [(at, 1)])))
        assert not list(self.running.stages.switch(Switch(0, 0, [(at, 0)])))
        for _, row in rows:
            for data in row:
                self.changed |= {written.key for written in read_entities(data)}
            self.running.stages.load(Load(0, 0, at, b"".join(row)))
        waits = chance.random() < 0.5
        kind = chance.choice(KINDS)
        if chance.random() < 0.5 and not self.left:
            self.mark()
        if waits:
            self.running.process(f"{number}{kind}")
            assert len(self.running.out.waiting) == 1
        for stage in (1, 2):
            for _, _, piece in self.taken():
                self.running.packed(stage, piece, settles=True)
            if waits and chance.random() < 0.5:
                self.save(1)
        for stage in (2, 1):
            self.running.stages.open(Open(0, stage, [at]))
        if waits:
            self.met(number, kind)
            self.changed.add(canonical(KEYS[number]))  # as all do that come while others of their partition stand apart

    def taken(self) -> list[tuple[int, int, tuple[int, bytes]]]:
        waiting = self.running.out.waiting[:]
        self.running.out.waiting.clear()
        return waiting


class Saving(unittest.TestCase):
    def test_what_had_changed_at_a_mark_is_saved_as_it_was_then(self) -> None:
        """At random, with keys of all kinds, slices of any size, and partitions that leave and return."""
        checked = 0
        for seed in range(300):
            chance = random.Random(seed)
            saver = Saver(counting())
            for _ in range(chance.randint(20, 120)):
                does = chance.random()
                if does < 0.6:
                    saver.word(chance.randrange(len(KEYS)), chance.choice(KINDS))
                elif does < 0.7:
                    saver.leave_and_return(chance.randrange(len(KEYS)), chance)
                elif saver.left:
                    saver.save(chance.choice([1, 100, 1000]))
                    if not saver.left:
                        self.assertEqual(saver.saved, saver.marked, seed)
                        checked += 1
                elif does < 0.9:
                    saver.mark()
            for key, n in saver.counts.items():
                self.assertEqual(saver.running.entity("c", key_of(key)).n, n, seed)
            items: Any = saver.running.stages.entities["c"].items()
            self.assertEqual({canonical(key): entity.n for key, entity in items}, saver.counts, seed)
        self.assertGreater(checked, 300)

    def test_what_is_only_read_is_not_saved(self) -> None:
        """Unless it is new, or a message has changed it since the last mark."""
        saver = Saver(counting())
        saver.word(0)
        saver.word(8, "?")
        saver.word(9, "?")
        saver.mark()
        saver.save(1 << 20)
        self.assertEqual(saver.saved, {canonical(1): 2, canonical("b"): 0, canonical("c"): 0})
        for kind in ("?", "?", "", "?"):
            saver.word(8, kind)
            saver.word(9, "?")
        saver.mark()
        saver.word(8, "?")
        saver.save(1 << 20)
        self.assertEqual(saver.saved, {canonical("b"): 2})
        saver.mark()
        self.assertEqual(list(saver.running.stages.save(Save(0, 1 << 20))), [Saved(False, 0, [])])

    def test_what_failed_is_what_it_was_before_or_changed(self) -> None:
        """Where its step said that it had not changed it, and failed when its outputs were taken."""
        for atomic in (False, True):

            def outputs(word: str, state: Count) -> Iterator[str]:
                state.n += 10
                yield word
                raise ValueError

            @wallaroo.state_computation_multi(name="fails late", atomic=atomic)
            def late(word: str, state: Count) -> tuple[Iterable[str], bool]:
                if word.endswith("!"):
                    return (outputs(word, state), False)
                if word.endswith("?"):
                    return ("text", False)
                state.n += 1
                return ([word], True)

            saver = Saver(build(lambda builder: builder.to_state_partition(late, Count, "c", numbered)))
            expected = 0
            for word in ("8", "8!", "8", "8?", "8", "8!", "8"):
                saver.running.process(word)
                expected += 1 if word == "8" else 10 if word == "8!" and not atomic else 0
                self.assertEqual(saver.running.entity("c", "b").n, expected)
                saver.counts[canonical("b")] = expected
                saver.mark()
                saver.save(1 << 20)
                self.assertEqual(saver.saved, {canonical("b"): expected}, (word, atomic))

    def test_a_slice_is_about_as_long_as_it_should_be(self) -> None:
        saver = Saver(counting())
        for number in range(len(KEYS)):
            saver.word(number)
        saver.mark()
        one = saver.save(0)
        self.assertEqual((len(saver.saved), saver.left), (1, True))
        length = saver.save(3 * one)
        self.assertTrue(2 * one < length < 6 * one, length)
        saver.save(1 << 20)
        self.assertEqual((len(saver.saved), saver.left), (len(KEYS), False))
        self.assertEqual(list(saver.running.stages.save(Save(0, 1))), [Saved(False, 0, [])])

    def test_what_could_not_wait_comes_with_the_next_slice(self) -> None:
        """All of it, beside the bytes that are asked for, with the time that it took."""
        saver = Saver(counting())
        for number in range(len(KEYS)):
            saver.word(number)
        saver.mark()
        for number in range(5):
            saver.word(number)
        [saved] = saver.running.stages.save(Save(0, 1))
        self.assertTrue(saved.left)
        self.assertEqual(len(saved.entities), 5 + 1)
        self.assertGreater(saved.ahead, 0)
        [saved] = saver.running.stages.save(Save(0, 1 << 20))
        self.assertEqual((saved.left, saved.ahead, len(saved.entities)), (False, 0, len(KEYS) - 6))

    def test_much_is_saved_in_rows(self) -> None:
        running = Running(build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word)))
        running.process(*map(str, range(5000)))
        running.stages.mark(Mark(0, 0))
        rows = list(running.stages.save(Save(0, 1 << 30)))
        self.assertEqual([(saved.left, len(saved.entities)) for saved in rows], [(False, 4096), (False, 904)])

    def test_nothing_is_encoded_at_a_mark_or_for_messages_without_one(self) -> None:
        saver = Saver(counting())
        encoded: list[bytes] = []
        encoding = saver.running.stages.entities["c"].encoding
        write = encoding.write

        def counted(key: bytes, entity: object) -> bytes:
            encoded.append(key)
            return write(key, entity)

        watch = patch.object(encoding, "write", counted)
        watch.start()
        self.addCleanup(watch.stop)
        for number in (1, 2, 1, 3):
            saver.word(number)
        saver.mark()
        self.assertEqual(encoded, [])
        saver.word(1)
        self.assertEqual(encoded, [canonical(KEYS[1])])
        saver.word(1)
        self.assertEqual(len(encoded), 1)
        saver.save(1 << 20)
        self.assertEqual((saver.saved, len(encoded)), (saver.marked, 3))

    def test_a_mark_is_of_one_island(self) -> None:
        builder = wallaroo.ApplicationBuilder("two")
        for name in ("p", "q"):
            builder.new_pipeline(name, wallaroo.TCPSourceConfig("", 0, testing_text))
            builder.to_state_partition(count, Count, name, whole_word).done()
        application = builder.build()
        running = Running(application, islands=True)
        running.process("a", pipeline=0)
        running.process("b", pipeline=1)
        running.stages.mark(Mark(0, 1))
        [(left, _, [data])] = running.stages.save(Save(0, 1 << 20))
        self.assertEqual((left, [written.key for written in read_entities(data)]), (False, [canonical("b")]))

    def test_an_entity_that_cannot_be_saved_ends_the_call_that_would_change_it(self) -> None:
        running = Running(build(lambda builder: builder.to_state_partition(hold, Locks, "locks", whole_word)))
        running.process("a")
        running.stages.mark(Mark(0, 0))
        for saves in (lambda: running.process("a"), lambda: list(running.stages.save(Save(0, 1)))):
            with self.assertRaises(Stuck) as caught:
                saves()
            failure = caught.exception.failure
            self.assertEqual((failure["state"], failure["key"]), ("locks", "'a'"))
            self.assertIn("cannot pickle", str(failure["error"]))
            self.assertIn("picklable", str(failure["instead"]))
        self.assertEqual(running.out.failures, [])


@wallaroo.decoder(header_length=4, length_fmt=">I")
def testing_text(data: bytes) -> str:
    return data.decode()


class Locks:
    def __init__(self) -> None:
        self.lock = threading.Lock()


@wallaroo.state_computation(name="hold")
def hold(word: str, state: Locks) -> tuple[str, bool]:
    return (word, True)


class Restoring(unittest.TestCase):
    def setUp(self) -> None:
        named = ["a", "b"]
        self.application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word, named))
        before = Running(self.application)
        before.process("a", "a", "c")
        before.stages.mark(Mark(0, 0))
        [(_, _, self.saved)] = before.stages.save(Save(0, 1 << 20))

    def test_what_was_saved_is_there_and_counts_as_saved(self) -> None:
        running = Running(self.application)
        running.stages.restore(restored(*self.saved))
        self.assertEqual([running.entity("c", word).n for word in "abc"], [2, 0, 1])
        self.assertEqual(sorted(map(str, (key for key, _ in running.stages.entities["c"].items()))), ["a", "b", "c"])
        running.stages.mark(Mark(0, 0))
        self.assertEqual(list(running.stages.save(Save(0, 1))), [Saved(False, 0, [])])
        self.assertEqual(running.process("a", "c", "d"), ["a3", "c2", "d1"])
        running.stages.mark(Mark(0, 0))
        [(_, _, row)] = running.stages.save(Save(0, 1 << 20))
        self.assertEqual(len(row), 3)

    def test_new_entities_count_as_changed(self) -> None:
        self.assertEqual(len(self.saved), 3)  # the named b too

    def test_entities_that_came_count_as_changed(self) -> None:
        at = partition("a")
        running = Running(self.application, (1, [0] * PARTITIONS))
        list(running.stages.switch(Switch(0, 0, [(at, 1)])))
        own = [data for data in self.saved for written in read_entities(data) if written.key == canonical("a")]
        running.stages.load(Load(0, 0, at, b"".join(own)))
        running.stages.open(Open(0, 1, [at]))
        running.stages.mark(Mark(0, 0))
        self.assertEqual(list(running.stages.save(Save(0, 1 << 20))), [Saved(False, 0, own)])

    def test_what_does_not_belong_is_against_the_protocol(self) -> None:
        [written] = read_entities(self.saved[0])
        head = self.saved[0]
        shut = Running(self.application, (1, [0] * PARTITIONS))
        list(shut.stages.switch(Switch(0, 0, [(partition(key_of(written.key)), 1)])))
        for running, restore in (
            (Running(self.application, (1, [0] * PARTITIONS)), restored(head)),
            (shut, restored(head)),
            (Running(self.application), restored(b"\1" + head[1:])),
            (Running(self.application), restored(head, count=2)),
            (Running(self.application), restored(head[:-1])),
            (Running(self.application), restored(head[:8] + b"\xff\xff\xff\xff" + written.key, count=1)),
            (Running(self.application), restored(head[:12] + b"\x09" + head[13:])),
        ):
            with self.assertRaises(ProtocolError):
                running.stages.restore(restore)


class Bytes(unittest.TestCase):
    def test_entities_are_as_drawn(self) -> None:
        [drawn] = re.findall(r"```hex\n(.*?)```", PAGE.read_text(), re.DOTALL)
        data = bytes.fromhex("".join(re.findall(r"^(?:[0-9a-f]{2} )+", drawn, re.MULTILINE)))
        [written] = read_entities(data)
        self.assertEqual(written, (1, 2, canonical("key"), b"x"))

    def test_entities_that_are_damaged_are_refused_or_whole(self) -> None:
        running = Running(counting())
        running.process(*map(str, range(len(KEYS))))
        running.stages.mark(Mark(0, 0))
        [(_, _, row)] = running.stages.save(Save(0, 1 << 20))
        data = b"".join(row)
        for seed in range(3000):
            chance = random.Random(seed)
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                for written in read_entities(bytes(damaged[: chance.randrange(len(damaged) + 1)])):
                    self.assertEqual(canonical(key_of(written.key)), written.key)
            except (ProtocolError, ValueError):
                continue


class Shared:
    """A state whose entities share a list."""

    words: list[str]
    all: ClassVar[list[list[str]]] = []

    def __init__(self) -> None:
        self.all.append([])
        self.words = self.all[0]


class Forgetful:
    """A state that is not saved whole."""

    def __init__(self) -> None:
        self.n = 0

    def __getstate__(self) -> dict[str, object]:
        return {"n": 0}


@wallaroo.state_computation(name="note")
def note(word: str, state: Shared) -> tuple[str, bool]:
    state.words.append(word)
    return (word, True)


@wallaroo.state_computation(name="add")
def add(word: str, state: Forgetful) -> tuple[str, bool]:
    state.n += 1
    return (f"{word}{state.n}", True)


class Rehearsed(Failed):
    """What users find out by a seed."""

    words: tuple[str, ...] = tuple(f"w{n}" for n in range(4)) * 20

    def test_an_entity_that_changes_behind_its_steps_back_is_found(self) -> None:
        application = build(lambda builder: builder.to_state_partition(note, Shared, "shared", whole_word))
        found = []
        for seed in range(20):
            try:
                testing.run(application, [*(f"w{n}" for n in range(8)), *["w0"] * 80], seed=seed)
            except testing.ApplicationFailed as failed:
                found.append(str(failed))
        self.assertTrue(found)
        self.assertIn("is not what was saved of it: entity.words was", found[0])

    def test_state_that_is_saved_wrongly_gives_other_results(self) -> None:
        application = build(lambda builder: builder.to_state_partition(add, Forgetful, "forgetful", whole_word))
        results = [sorted(testing.run(application, self.words, seed=seed).output) for seed in range(5)]
        self.assertNotEqual(results, [sorted(testing.run(application, self.words).output)] * 5)

    def test_state_that_is_saved_well_gives_the_same(self) -> None:
        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word))
        once = testing.run(application, self.words).output
        for seed in range(20):
            result = testing.run(application, self.words, executors=1 + seed % 3, seed=seed)
            self.assertEqual(sorted(result.output), sorted(once))
            self.assertEqual([result.entity("c", f"w{n}").n for n in range(4)], [20] * 4)


if __name__ == "__main__":
    unittest.main()
