"""Applications that `wallaroo.testing` loads, and the programs that its documentation and the README show."""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import Any

import wallaroo
from staging import Failed
from wallaroo import testing
from wallaroo.testing import run

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "python" / "word_count" / "word_count.py")
ADDRESSES = ["--in", ":7010", "--out", ":7002"]


class Loads(Failed):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        argv, path = sys.argv, sys.path[:]

        def restore() -> None:
            sys.argv, sys.path[:] = argv, path
            for name in ("app_of_test", "word_count"):
                sys.modules.pop(name, None)

        self.addCleanup(restore)

    def file(self, text: str, name: str = "app_of_test.py") -> str:
        path = os.path.join(self.folder, name)
        Path(path).write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def test_a_file_as_the_command_does(self) -> None:
        argv = sys.argv
        application = testing.load(EXAMPLE, ADDRESSES)
        self.assertIs(sys.argv, argv)
        self.assertEqual(run(application, ["A b, a"]).text, "a => 1\nb => 1\na => 2\n")
        self.assertEqual(
            run(application, ["A b a"], executors=3, seed=2).entity("word totals", "a").word_totals["a"], 2
        )

    def test_a_file_once(self) -> None:
        application, again = testing.load(EXAMPLE, ADDRESSES), testing.load(EXAMPLE, ADDRESSES)
        self.assertEqual(sys.path.count(os.path.dirname(EXAMPLE)), 1)
        for each in (application, again):
            self.assertEqual(run(each, ["a b c d"], executors=2).text.count("=> 1"), 4)

    def test_the_serializer_of_the_module(self) -> None:
        path = self.file(f"""
            import pickle, runpy
            globals().update({{k: v for k, v in runpy.run_path({EXAMPLE!r}).items() if not k.startswith("__")}})
            used = []
            def serialize(value):
                used.append(type(value).__name__)
                return pickle.dumps(value.__dict__ if hasattr(value, "word_totals") else value)
            def deserialize(data):
                value = pickle.loads(data)
                if isinstance(value, dict):
                    totals = WordTotals()
                    totals.__dict__.update(value)
                    return totals
                return value
        """)
        application = testing.load(path, ADDRESSES)
        self.assertEqual(run(application, ["a b"] * 2, executors=2, seed=1).text.count("=> 2"), 2)
        self.assertEqual(run(application, ["a b"] * 2, executors=2).text.count("=> 2"), 2)
        module = sys.modules["app_of_test"]
        self.assertEqual({"str", "WordTotals"}, set(module.used))
        module.used.clear()
        run(module.application_setup(ADDRESSES), ["a b"], executors=2)  # which does not know of its module
        self.assertEqual(module.used, [])

    def test_nothing_that_is_wrong(self) -> None:
        with self.fails("there is no file"):
            testing.load(os.path.join(self.folder, "none.py"))
        with self.fails("loading", "ZeroDivisionError", "app_of_test.py"):
            testing.load(self.file("1 / 0"))
        self.assertNotIn("app_of_test", sys.modules)
        with self.fails("has no function application_setup(args)"):
            testing.load(self.file("pass"))
        with self.fails("the argument --in is missing"):
            testing.load(EXAMPLE)
        with self.fails("the argument --out has 1 address, but this line takes 2", "market_spread.py:"):
            testing.load(EXAMPLE.replace("word_count", "market_spread"), ["--in", ":1,:2", "--out", ":3"])
        with self.fails("args must be a list", error=TypeError):
            testing.load(EXAMPLE, "--in :7010")

    def test_the_programs_of_the_documentation(self) -> None:
        self.file(_blocks(wallaroo.__doc__)[0], "word_count.py")
        self.assertEqual(len(self.passed(self.folder, *_blocks(testing.__doc__))), 4)

    def test_the_test_of_the_readme(self) -> None:
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        block = text.partition("\n## Test it\n")[2].partition("```python\n")[2].partition("```")[0]
        self.assertEqual(len(self.passed(os.path.dirname(EXAMPLE), block)), 3)

    def passed(self, folder: str, *programs: str) -> list[str]:
        """The tests of programs, as a test runner finds them in a folder; all have passed."""
        names: dict[str, Any] = {"__name__": "tests"}
        here = os.getcwd()
        os.chdir(folder)
        self.addCleanup(os.chdir, here)
        sys.path.insert(0, folder)
        for program in programs:
            exec(program, names)  # noqa: S102 (our own documentation)
        tests = [name for name in names if name.startswith("test_")]
        for name in tests:
            names[name]()
        return tests


def _blocks(documentation: str | None) -> list[str]:
    """The programs in a documentation."""
    blocks = []
    for part in inspect.cleandoc(documentation or "").split("::\n\n")[1:]:
        lines: list[str] = []
        for line in part.splitlines():
            if line and not line.startswith(" "):
                break
            lines.append(line)
        blocks.append(textwrap.dedent("\n".join(lines)))
    return blocks


if __name__ == "__main__":
    unittest.main()
