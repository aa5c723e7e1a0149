"""Runs the Python of the documentation, as pages.py reads it, and compares what it shows. Nothing in it goes unrun."""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import os
import re
import sys
import tempfile
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pages
from pages import ROOT, Block
from wallaroo import testing

ADDRESSES = ["--in", ":7010,:7011,:7012", "--out", ":7002,:7003,:7004"]

RUN = {"python", "text", "console", "go"}
"""Kinds that run: console by internal/command/docs_test.go, which also finds README.md's Python and Go in examples."""

TOLD = {("docs/migrating.md", "python2"), ("docs/metrics.md", "yaml"), ("README.md", "sh")}
"""Kinds that do not: Python of the original, a configuration of Prometheus, and targets of make."""


class Docs(unittest.TestCase):
    def test_every_block_is_run(self) -> None:
        for page in pages.pages():
            before = None
            for block in pages.blocks(page):
                with self.subTest(block.at):
                    told = (block.page, block.kind) in TOLD
                    self.assertTrue(told or block.kind in RUN, f"nobody runs a block of the kind {block.kind!r}")
                    if block.kind == "text":
                        self.assertEqual(before, "python", "what is shown stands behind the Python that prints it")
                before = block.kind

    def test_links_lead_somewhere(self) -> None:
        for page in pages.pages():
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
                with self.subTest(page.name, target=target):
                    path, _, anchor = target.partition("#")
                    there = (page.parent / path).resolve() if path else page
                    if not target.startswith("https://"):
                        self.assertTrue(there.exists(), "it leads nowhere")
                        self.assertTrue(not anchor or anchor in anchors(there))

    def test_what_the_readme_makes_can_be_made(self) -> None:
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        [block] = (block for block in pages.blocks(ROOT / "README.md") if block.kind == "sh")
        for line in block.text.splitlines():
            self.assertIn(re.fullmatch(r"make (\w+) +#.*", line)[1], targets)  # type: ignore[index]

    def test_python(self) -> None:
        for page in pages.pages():
            if page != ROOT / "README.md":
                self.run_page(pages.blocks(page))

    def run_page(self, blocks: list[Block]) -> None:
        with folder() as path:
            program = Program(path)
            for block, after in itertools.zip_longest(blocks, blocks[1:]):
                if block.kind == "python":
                    with self.subTest(block.at):
                        self.compare(block, after, program.run(block))

    def compare(self, block: Block, after: Block | None, printed: str) -> None:
        if after is not None and after.kind == "text":
            if not re.fullmatch(pages.pattern(after.text), printed.strip()):
                self.assertEqual(after.text.strip(), printed.strip())
        elif not (after is not None and after.kind == "console" and block.file):  # there the mistake is told
            self.assertEqual("", printed)


class Reading(unittest.TestCase):
    """What pages.py makes of a page."""

    def test_what_is_shown_is_demanded(self) -> None:
        for shown, printed, matches in (
            ("a => 1\nb => 1\n", "a => 1\nb => 1", True),
            ("a => 1\nb => 1\n", "a => 1 b => 1", False),
            ("a => 1\nb => 1\n", "a => 1\nb => 1\nc => 1", False),
            ("a => 1\n", "a => 12", False),
            ("a => 1\nb => 1\n", "b => 1\na => 1", False),
            ("error: it is\n  long\n", "error: it is long", True),
            ("time=... level=INFO\n", "time=12:00 level=INFO", True),
            ("time=... level=INFO\n", "time=12:00 and level=INFO", False),
            ("a\n...\nd\n", "a\nb\nc\nd", True),
            ("a\n...\nd\n", "a\nb\nc", False),
            ("(1.0)\n", "(100)", False),
        ):
            self.assertEqual(re.fullmatch(pages.pattern(shown), printed) is not None, matches, (shown, printed))

    def test_definitions_take_the_place_of_others(self) -> None:
        file = "import a\n\n\n@one\ndef f():\n    pass\n\n\nclass C:\n    x = 1\n"
        change = "import b\n\n\n@two\n@three\ndef f():\n    return\n\n\nD = 2\n"
        after = "import b\nimport a\n\n\n@two\n@three\ndef f():\n    return\n\n\nclass C:\n    x = 1\n\n\nD = 2\n"
        self.assertEqual(pages.merged(file, change), after)


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


class Program:
    """The Python of a page as it runs: the files it makes, and the module that the rest of it stands in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._module = ModuleType("example")
        self._text = ""
        sys.modules["example"] = self._module

    def run(self, block: Block) -> str:
        """Run a block. What it prints, and the error that it ends with; without the folder in paths."""
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                self._run(block)
        except BaseException as error:  # noqa: BLE001  (compared with what is shown)
            printed.write("".join(traceback.format_exception_only(type(error), error)))
        return printed.getvalue().replace(f"{self._folder}{os.sep}", "")

    def _run(self, block: Block) -> None:
        if block.file is not None:
            names = vars(self._loaded(block, block.file))
        else:
            path = self._folder / "example.py"
            lines = self._text.count("\n")
            self._text += block.text
            path.write_text(self._text, encoding="utf-8")  # for tracebacks
            had = set(vars(self._module))
            exec(compile("\n" * lines + block.text, path, "exec", dont_inherit=True), vars(self._module))  # noqa: S102
            names = {name: value for name, value in vars(self._module).items() if name not in had}
        for name, value in names.items():
            if name.startswith("test_"):
                value()

    def _loaded(self, block: Block, file: str) -> ModuleType:
        """The module of a file as the block leaves it; if it is an application, it can be built."""
        path = self._folder / file
        path.write_text(block.change(path.read_text(encoding="utf-8") if path.exists() else None), encoding="utf-8")
        sys.modules.pop(path.stem, None)
        importlib.invalidate_caches()
        if "def application_setup(" in path.read_text(encoding="utf-8"):
            testing.load(file, ADDRESSES)
        return importlib.import_module(path.stem)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder to be in and to import from; afterwards nothing of it is left."""
    path, here = sys.path[:], Path.cwd()
    cached = sys.dont_write_bytecode
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve()
        sys.path.insert(0, str(place))
        sys.dont_write_bytecode = True  # two versions of a file may be made in one second
        os.chdir(place)
        try:
            yield place
        finally:
            os.chdir(here)
            sys.dont_write_bytecode = cached
            sys.path[:] = path
            for loaded, module in list(sys.modules.items()):
                if loaded == "example" or str(getattr(module, "__file__", "")).startswith(str(place)):
                    del sys.modules[loaded]


if __name__ == "__main__":
    unittest.main()
