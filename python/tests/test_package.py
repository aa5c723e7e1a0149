"""The package as a whole: what it exports, what importing it does, and the program in its documentation."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap
import unittest
from pathlib import Path
from typing import Any

import wallaroo


class Package(unittest.TestCase):
    def test_exports_what_it_says(self) -> None:
        imported = {name for name in vars(wallaroo) if not name.startswith("_")} - {"errors", "testing"}
        self.assertEqual(imported, set(wallaroo.__all__))

    def test_documents_what_it_exports(self) -> None:
        for name in wallaroo.__all__:
            thing = getattr(wallaroo, name)
            self.assertTrue(inspect.getdoc(thing), name)
            methods = inspect.getmembers(thing, inspect.isfunction) if inspect.isclass(thing) else []
            for method, function in methods:
                if not method.startswith("_"):
                    self.assertTrue(inspect.getdoc(function), f"{name}.{method}")

    def test_is_the_standard_library_and_itself(self) -> None:
        for file in Path(wallaroo.__file__).parent.glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [str(node.module)]
                for name in names:
                    self.assertIn(name.partition(".")[0], sys.stdlib_module_names, file)

    def test_says_nothing_and_changes_nothing_when_imported(self) -> None:
        program = textwrap.dedent("""
            import os, signal, sys, threading
            handlers = [signal.getsignal(number) for number in signal.valid_signals()]
            before = [sys.stdout, sys.stderr, sys.stdin, sys.excepthook, sys.argv, sys.path[:], os.environ.copy()]
            import wallaroo
            after = [sys.stdout, sys.stderr, sys.stdin, sys.excepthook, sys.argv, sys.path[:], os.environ.copy()]
            assert before == after
            assert handlers == [signal.getsignal(number) for number in signal.valid_signals()]
            assert threading.active_count() == 1
        """)
        path = str(Path(wallaroo.__file__).parent.parent)
        command = [sys.executable, "-W", "error", "-c", f"import sys; sys.path.insert(0, {path!r})\n{program}"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_shows_a_program_that_builds(self) -> None:
        block = inspect.cleandoc(wallaroo.__doc__ or "").partition("::\n\n")[2].partition("\n\nRun it by")[0]
        names: dict[str, Any] = {"__name__": "word_count"}
        exec(textwrap.dedent(block), names)  # noqa: S102 (our own documentation)
        app = names["application_setup"](["--in", "127.0.0.1:7010", "--out", "127.0.0.1:7002"])
        self.assertEqual(app.name, "Word Count")
        self.assertEqual(names["split"]("a b"), ["a", "b"])
        self.assertEqual([step.name for step in app.pipelines[0].steps], ["split into words", "count word"])
        totals = names["WordTotals"]()
        result, changed = names["count_word"]("a", totals)
        self.assertEqual(names["encoder"](result), "a => 1\n")
        self.assertIs(changed, True)


if __name__ == "__main__":
    unittest.main()
