"""What ApplicationBuilder builds of an application that is right."""

from __future__ import annotations

import collections
import copy
import dataclasses
import unittest
from collections.abc import Callable
from typing import Any

import wallaroo
from parts import SINK, SOURCE, OfKey, Optional, Totals, count, length, letter, opened, plain, repeat, split, upper
from wallaroo._application import State, Step


def steps_of(ab: wallaroo.ApplicationBuilder) -> tuple[Step, ...]:
    return ab.done().build().pipelines[-1].steps


def states_of(ab: wallaroo.ApplicationBuilder) -> tuple[State, ...]:
    return ab.done().build().states


class Built(unittest.TestCase):
    def test_pipelines_in_order_with_source_and_sink(self) -> None:
        app = opened("one").to(split).to_sink(SINK).new_pipeline("two", SOURCE).done().build()
        self.assertEqual(app.name, "app")
        self.assertEqual([pipeline.name for pipeline in app.pipelines], ["one", "two"])
        self.assertEqual([pipeline.source for pipeline in app.pipelines], [SOURCE, SOURCE])
        self.assertEqual([pipeline.sink for pipeline in app.pipelines], [SINK, None])

    def test_the_same_by_chain_and_by_statements(self) -> None:
        ab = wallaroo.ApplicationBuilder("app")
        ab.new_pipeline("p", SOURCE)
        ab.to_parallel(split)
        ab.to_state_partition(count, Totals, "totals", letter, ["a"])
        ab.to_sink(SINK)
        chained = opened().to_parallel(split).to_state_partition(count, Totals, "totals", letter, ["a"]).to_sink(SINK)
        self.assertEqual(ab.build(), chained.build())

    def test_steps_of_every_kind(self) -> None:
        ab = opened().to(upper).to_parallel(split).to_stateful(count, Totals, "all")
        ab.to_state_partition(repeat, Totals, "by letter", letter)
        state = State("all", Totals, keyed=False, u64=False, takes_key=False)
        by_letter = State("by letter", Totals, keyed=True, u64=False, takes_key=False)
        self.assertEqual(
            steps_of(ab),
            (
                Step("upper", upper, False, None, None),
                Step("split", split, True, None, None),
                Step("count", count, False, state, None),
                Step("repeat", repeat, False, by_letter, letter),
            ),
        )

    def test_does_not_change(self) -> None:
        app = opened().to(upper).done().build()
        for part in (app, app.pipelines[0], app.pipelines[0].steps[0], app.pipelines[0].source):
            with self.assertRaises(dataclasses.FrozenInstanceError):
                part.name = "other"  # type: ignore[misc, union-attr]
        self.assertIs(copy.deepcopy(app).pipelines[0].steps[0].computation, upper)

    def test_done_is_harmless_after_a_sink(self) -> None:
        self.assertEqual(opened().to_sink(SINK).done().done().build().pipelines[0].sink, SINK)

    def test_a_pipeline_may_be_without_steps(self) -> None:
        self.assertEqual(opened().to_sink(SINK).build().pipelines[0].steps, ())

    def test_may_be_built_again(self) -> None:
        ab = opened().to_sink(SINK)
        self.assertEqual(ab.build(), ab.build())


class Names(unittest.TestCase):
    def names(self, *computations: Any) -> list[str]:
        ab = opened()
        for computation in computations:
            ab.to(computation)
        return [step.name for step in steps_of(ab)]

    def test_used_again_get_a_number(self) -> None:
        self.assertEqual(self.names(split, upper, split, split), ["split", "upper", "split#2", "split#3"])

    def test_with_a_number_of_their_own_stay_unique(self) -> None:
        second = wallaroo.computation("split#2")(plain)
        self.assertEqual(self.names(split, second, split), ["split", "split#2", "split#3"])
        self.assertEqual(self.names(split, split, second), ["split", "split#2", "split#2#2"])

    def test_of_source_and_sink_are_taken(self) -> None:
        steps = [wallaroo.computation(name)(plain) for name in ("source", "sink")]
        self.assertEqual(self.names(*steps), ["source#2", "sink#2"])

    def test_begin_anew_in_each_pipeline(self) -> None:
        app = opened("one").to(split).done().new_pipeline("two", SOURCE).to(split).done().build()
        self.assertEqual([pipeline.steps[0].name for pipeline in app.pipelines], ["split", "split"])


class States(unittest.TestCase):
    def test_of_one_name_are_one_object_across_pipelines(self) -> None:
        ab = opened("one").to_state_partition(count, Totals, "totals", letter, ["b", "a"])
        ab.to_state_partition(repeat, Totals, "totals", letter).done()
        ab.new_pipeline("two", SOURCE).to_state_partition(count, Totals, "totals", letter, ["c", "a"]).done()
        app = ab.build()
        states = [step.state for pipeline in app.pipelines for step in pipeline.steps]
        self.assertEqual(states[0], State("totals", Totals, True, False, False, ("b", "a", "c")))
        self.assertTrue(all(state is states[0] for state in states))
        self.assertEqual(app.states, (states[0],))

    def test_stand_in_the_order_of_their_first_use(self) -> None:
        ab = opened().to_stateful(count, Totals, "z").to_stateful(count, Totals, "a").to_stateful(count, Totals, "z")
        self.assertEqual([state.name for state in states_of(ab)], ["z", "a"])

    def test_keep_keys_apart_that_only_look_equal_to_python(self) -> None:
        ab = opened().to_state_partition(count, Totals, "totals", letter, [1, True, "1", b"1", (1,), None, 0, False, 1])
        self.assertEqual(str(states_of(ab)[0].keys), str((1, True, "1", b"1", (1,), None, 0, False)))

    def test_with_u64_keys(self) -> None:
        ab = opened().to_state_partition_u64(count, Totals, "totals", length, range(3))
        ab.to_state_partition_u64(count, Totals, "totals", length, [2**64 - 1])
        self.assertEqual(states_of(ab), (State("totals", Totals, True, True, False, (0, 1, 2, 2**64 - 1)),))

    def test_take_the_key_if_the_constructor_demands_one_argument(self) -> None:
        classes: tuple[tuple[Callable[..., Any], bool], ...] = (
            (Totals, False),
            (OfKey, True),
            (Optional, False),
            (dict, False),
            (list, False),
            (collections.Counter, False),
            (lambda: Totals(), False),  # noqa: PLW0108 (a function and no class)
            (lambda key: OfKey(key), True),  # noqa: PLW0108
        )
        for cls, takes_key in classes:
            with self.subTest(cls=cls):
                (state,) = states_of(opened().to_state_partition(count, cls, "totals", letter))
                self.assertIs(state.takes_key, takes_key)


if __name__ == "__main__":
    unittest.main()
