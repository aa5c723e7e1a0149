"""The plan that the engine reads; golden/word_count.plan.json is read by the tests of both languages."""

from __future__ import annotations

import importlib.util
import json
import unittest
from pathlib import Path
from types import ModuleType

import wallaroo
from wallaroo._plan import plan

TESTS = Path(__file__).resolve().parent
GOLDEN = TESTS / "golden" / "word_count.plan.json"
WORD_COUNT = TESTS.parent.parent / "examples" / "python" / "word_count" / "word_count.py"


def word_count() -> ModuleType:
    spec = importlib.util.spec_from_file_location("word_count", WORD_COUNT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@wallaroo.decoder(header_length=8, length_fmt="<xhx4x")
def decoder(bs: bytes) -> bytes:
    return bs


@wallaroo.state_computation_multi(name="zählen")
def count(data: bytes, totals: object) -> tuple[list[bytes], bool]:
    return [data], True


@wallaroo.partition
def number(data: bytes) -> int:
    return len(data)


class Plan(unittest.TestCase):
    def test_of_the_word_count_is_golden(self) -> None:
        args = ["--in", "127.0.0.1:7010", "--out", "127.0.0.1:7002"]
        text = json.dumps(plan(word_count().application_setup(args)))
        golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
        # As text, so that the order of the keys counts too.
        self.assertEqual(text, json.dumps(golden))

    def test_of_what_the_word_count_lacks(self) -> None:
        ab = wallaroo.ApplicationBuilder("app").new_pipeline("p", wallaroo.TCPSourceConfig("", "0", decoder))
        ab.to_stateful(count, dict, "all").to_state_partition_u64(count, list, "each", number).done()
        described = plan(ab.build())
        self.assertEqual(
            described["states"],
            [
                {"name": "all", "class": "dict", "version": 0, "keyed": False, "u64": False},
                {"name": "each", "class": "list", "version": 0, "keyed": True, "u64": True},
            ],
        )
        (pipeline,) = described["pipelines"]
        self.assertIsNone(pipeline["sink"])
        self.assertEqual((pipeline["source"]["host"], pipeline["source"]["port"]), ("127.0.0.1", 0))
        framing = {"header": 8, "offset": 1, "width": 2, "order": "little", "signed": True}
        self.assertEqual(pipeline["source"]["framing"], framing)
        step = {"name": "zählen", "kind": "state computation", "multi": True, "parallel": False, "state": "all"}
        again = step | {"name": "zählen#2", "state": "each", "partition": "number"}
        self.assertEqual(pipeline["steps"], [step, again])


if __name__ == "__main__":
    unittest.main()
