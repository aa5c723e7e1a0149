"""What a watch takes for a call that does not come back, and what not."""

from __future__ import annotations

import threading
import time
import unittest
from typing import Any

from wallaroo._failures import Site
from wallaroo._watch import Watch

FILE = "<wallaroo stage 7>"
SECONDS = 0.5

STAGE = """
def stage(messages, call):
    for index, value in enumerate(messages):
        key = value
        call(value)
"""


class Told:
    """An outbox that keeps what it is told."""

    def __init__(self) -> None:
        self.lives = 0
        self.hangs: list[dict[str, object]] = []
        self.over = threading.Event()

    def alive(self) -> None:
        self.lives += 1

    def hung(self, told: dict[str, object]) -> None:
        self.hangs.append(told)
        self.over.set()


def stage(messages: list[str], call: Any) -> None:
    names: dict[str, Any] = {}
    exec(compile(STAGE, FILE, "exec"), names)  # noqa: S102  (as the package makes them)
    names["stage"](messages, call)


class Hangs(unittest.TestCase):
    def setUp(self) -> None:
        self.told = Told()
        self.watch = self.watching(SECONDS)

    def watching(self, seconds: float) -> Watch:
        """A watch of one step, which has number 3."""
        return Watch(self.told, {FILE: {5: (Site("words/count", None), True)}}, {"words/count": 3}, seconds)

    def tearDown(self) -> None:
        self.watch.call = None

    def test_a_call_that_does_not_come_back_is_told_with_step_key_and_line(self) -> None:
        def wait(_: str) -> None:
            self.told.over.wait(30)

        self.watch.call = object()
        stage(["why"], wait)
        told = self.told.hangs[0]
        self.assertEqual((told["step"], told["key"], told["seconds"]), ("words/count", "'why'", SECONDS))
        self.assertIn("in wait", str(told["traceback"]))

    def test_a_call_of_something_written_in_c_is_told_too(self) -> None:
        self.watch.call = object()
        lock = threading.Lock()
        lock.acquire()
        threading.Thread(target=self.release, args=(lock,)).start()
        stage(["why"], lambda _: None)  # another call before
        stage([True], lock.acquire)  # type: ignore[list-item]
        self.assertEqual(len(self.told.hangs), 1)

    def release(self, lock: threading.Lock) -> None:
        """Release a lock when the hang is told."""
        self.told.over.wait(30)
        lock.release()

    def test_many_short_calls_are_none_and_show_life(self) -> None:
        self.watch.call = object()
        end = time.monotonic() + 3 * SECONDS

        def short(_: str) -> None:
            time.sleep(SECONDS / 50)

        while time.monotonic() < end:
            stage(["a"] * 10, short)
        self.assertEqual(self.told.hangs, [])
        self.assertGreater(self.told.lives, 0)

    def test_the_time_of_a_step_is_seen_also_if_a_call_may_take_for_ever(self) -> None:
        for watch in (self.watch, self.watching(0)):
            watch.call = object()
            stage(["why"], lambda _, watch=watch: self.until_seen(watch))
            watch.call = None

    def until_seen(self, watch: Watch) -> None:
        """Return when the watch has seen the step, which is not asked of again."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if seen := watch.seen():
                self.assertEqual(set(seen), {3})
                return
            time.sleep(SECONDS / 50)
        self.fail("the step was not seen")

    def test_while_nothing_is_carried_out_nothing_is_told(self) -> None:
        self.told.over.wait(2 * SECONDS)
        self.assertEqual((self.told.lives, self.told.hangs), (0, []))


if __name__ == "__main__":
    unittest.main()
