"""The table of semantics.py, row by row, on one executor and on two, with pickle and with functions of its own."""

from __future__ import annotations

import itertools
import unittest

import semantics
import semantics_parts
from semantics import ROWS, Fails, Row
from semantics_parts import ENCODERS, PIPELINES, Early
from staging import Several
from wallaroo._results import PICKLE, Serializer

OWN = Serializer(semantics.own_serialize, semantics.own_deserialize)


class Semantics(unittest.TestCase):
    def test_every_row(self) -> None:
        addresses = [("127.0.0.1", "1")] * len(PIPELINES)
        for executors, serializer in itertools.product((1, 2), (PICKLE, OWN)):
            Early.first_message.clear()
            several = Several(semantics.application(addresses, addresses), executors, serializer)
            for row in ROWS:
                with self.subTest(row.says, executors=executors, own=serializer is OWN):
                    self.check(row, several)

    def check(self, row: Row, several: Several) -> None:
        had, failed = len(several.sent), len(several.told)
        for number, message in enumerate(row.sends):
            several.process(message, at=number % len(several.running), pipeline=list(PIPELINES).index(row.pipeline))
        ends = "" if row.pipeline in ENCODERS else "\n"
        self.assertEqual(several.sent[had:], [line + ends for line in row.comes])
        failures = several.told[failed:]
        self.assertEqual(
            [(where(each), each.get("error"), each.get("key", "")) for each in failures],
            [(each.step, each.error, each.key) for each in row.fails],
        )
        for failure, each in zip(failures, row.fails, strict=True):
            self.check_lines(str(failure["traceback"]), each)

    def check_lines(self, lines: str, fails: Fails) -> None:
        self.assertRegex(lines, rf'File "{semantics_parts.__file__}", line \d+, in {fails.names}\n')
        self.assertLessEqual(lines.count("\n"), 48)
        self.assertNotIn("/wallaroo/", lines)


def where(failure: dict[str, object]) -> str:
    """Whose code failed, as the log tells it."""
    return f"{failure['step']} key" if failure.get("finding_key") else str(failure["step"])


if __name__ == "__main__":
    unittest.main()
