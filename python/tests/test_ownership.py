"""Steps that give away what they keep are named, if it is asked for."""

from __future__ import annotations

import unittest
from typing import Any

import wallaroo
from staging import ALONE, Running, build, whole_word


class Words:
    def __init__(self) -> None:
        self.words: list[str] = []


@wallaroo.state_computation(name="keep")
def keep(word: str, state: Words) -> tuple[list[str], bool]:
    state.words.append(word)
    return state.words, True


@wallaroo.state_computation(name="copy")
def copy(word: str, state: Words) -> tuple[list[str], bool]:
    state.words.append(word)
    return list(state.words), True


class Hidden:
    """It comes back as something else."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __reduce__(self) -> Any:
        return str, (self.word,)


@wallaroo.computation(name="hide")
def hide(word: str) -> Hidden:
    return Hidden(word)


@wallaroo.computation_multi(name="spell")
def spell(word: str) -> Any:
    return ([letter] for letter in word)


class Ownership(unittest.TestCase):
    def failures(self, steps: Any, *words: str, check: bool = True) -> list[tuple[str, str]]:
        run = Running(build(steps), ALONE, check_ownership=check)
        for word in words:
            run.process(word)
        return [(site, text) for _, site, text, *_ in run.out.failures]

    def test_a_result_that_is_a_part_of_the_state_is_named(self) -> None:
        def steps(builder: Any) -> Any:
            return builder.to_state_partition(keep, Words, "words", whole_word)

        [(site, text)] = self.failures(steps, "a", "a")
        self.assertIn("keep", site)
        self.assertIn("changed after it was handed on", text)
        self.assertEqual(self.failures(steps, "a", "a", check=False), [])

    def test_a_copy_is_not(self) -> None:
        def steps(builder: Any) -> Any:
            return builder.to_state_partition(copy, Words, "words", whole_word)

        self.assertEqual(self.failures(steps, "a", "a", "a"), [])

    def test_a_result_that_comes_back_as_another_is_named(self) -> None:
        [(site, text)] = self.failures(lambda builder: builder.to(hide), "a")
        self.assertIn("hide", site)
        self.assertIn("comes back from its bytes as another one: result was Hidden", text)

    def test_each_of_several_results_is_looked_at(self) -> None:
        self.assertEqual(self.failures(lambda builder: builder.to(spell), "why"), [])


if __name__ == "__main__":
    unittest.main()
