"""Messages that change executors at a keyed step."""

from __future__ import annotations

import unittest
from typing import Any

import wallaroo
from staging import Count, Several, build, count, split, whole_word
from wallaroo._exchange import KNOWN, Exchange
from wallaroo._keys import canonical, partition_of
from wallaroo._results import Serializer


class Exchanges(unittest.TestCase):
    def test_each_key_is_counted_where_it_belongs(self) -> None:
        application = build(lambda builder: builder.to(split).to_state_partition(count, Count, "c", whole_word))
        several = Several(application, 3)
        words = [f"w{n}" for n in range(50)]
        for at in (0, 1, 2, 0):
            several.process(" ".join(words), at=at)
        sent = several.process()
        self.assertEqual(sorted(sent), sorted(f"{word}{n}" for word in words for n in (1, 2, 3, 4)))
        self.assertGreater(several.handed_on, 50)
        for number, running in enumerate(several.running):
            for word in words:
                belongs = partition_of(canonical(word), 16) * 3 // 16 == number
                self.assertEqual(running.entity("c", word) is not None, belongs)

    def test_a_message_may_change_executors_at_every_keyed_step(self) -> None:
        @wallaroo.partition
        def last(word: str) -> str:
            return word[-1]

        application = build(
            lambda builder: (
                builder.to_state_partition(count, Count, "c", whole_word)
                .to_state_partition(count, Count, "d", last)
                .to_stateful(count, Count, "e")
            )
        )
        several = Several(application, 4)
        for n in range(40):
            several.process(f"w{n % 5}", at=n % 4)
        self.assertEqual(len(several.process()), 40)
        single = [running.entity("e", None) for running in several.running]
        self.assertEqual([entity.n for entity in single if isinstance(entity, Count)], [40])

    def test_keys_of_every_kind_find_their_executor(self) -> None:
        keys: list[Any] = [1, True, "1", b"1", None, ("a", 1), 2**70, -5]

        @wallaroo.partition
        def key(index: str) -> Any:
            return keys[int(index)]

        application = build(lambda builder: builder.to_state_partition(count, Count, "c", key))
        several = Several(application, 4)
        for at in range(4):
            several.process(*"01234567", at=at)
        self.assertEqual(sorted(several.process()), sorted(f"{i}{n}" for i in range(8) for n in (1, 2, 3, 4)))

    def test_what_cannot_travel_is_a_failure_of_its_message_alone(self) -> None:
        @wallaroo.computation(name="wrap")
        def wrap(word: str) -> object:
            return (word, (lambda: word) if word == "bad" else word)

        @wallaroo.partition
        def first(pair: tuple[str, object]) -> str:
            return pair[0]

        @wallaroo.state_computation(name="it")
        def it(pair: tuple[str, object], state: Count) -> tuple[str, bool]:
            return (pair[0], False)

        application = build(lambda builder: builder.to(wrap).to_state_partition(it, Count, "c", first))
        several = Several(application, 2)
        table = [partition * 2 // 16 for partition in range(16)]
        other = 1 - table[partition_of(canonical("bad"), 16)]
        sent = several.process("a", "bad", "b", "c", "d", at=other)
        self.assertEqual(sorted(sent), ["a", "b", "c", "d"])
        self.assertEqual([failure[:2] for failure in several.failures()], [(1, "p/it")])

    def test_an_application_may_serialize_in_its_own_way(self) -> None:
        seen: list[object] = []

        def serialize(value: object) -> bytes:
            seen.append(value)
            return str(value).encode()

        def deserialize(data: bytes) -> object:
            if data == b"bad":
                raise ValueError("not readable")
            return data.decode()

        application = build(lambda builder: builder.to_state_partition(count, Count, "c", whole_word))
        several = Several(application, 2, Serializer(serialize, deserialize))
        words = ["bad", *(f"w{n}" for n in range(20))]
        for at in (0, 1):
            several.process(*words, at=at)
        self.assertEqual(len(seen), len(words))
        self.assertEqual([failure[1] for failure in several.failures()], ["p/count"])
        self.assertEqual(len(several.process()), 2 * len(words) - 1)

    def test_the_keys_of_others_that_are_remembered_are_bounded(self) -> None:
        application = build(lambda builder: builder.to(split).to_state_partition(count, Count, "c", whole_word))
        several = Several(application, 2)
        for n in range(0, 3 * KNOWN, 1 << 13):
            several.process(" ".join(f"w{i}" for i in range(n, n + (1 << 13))))
        exchanges: list[Exchange] = list(several.running[0].stages._exchanges.values())
        self.assertLessEqual(len(exchanges[0].away), KNOWN)
        self.assertEqual(len(several.process()), 3 * KNOWN)


if __name__ == "__main__":
    unittest.main()
