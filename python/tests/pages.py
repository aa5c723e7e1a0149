"""The pages of the documentation as programs: what their fenced blocks hold, and what has to be shown of them.

A block's kind is the word behind its fence:

- ``python`` runs. One that begins with ``# NAME.py`` is that whole file; with ``# in NAME.py`` its definitions stand in
  that file in place of those of the same names, and what is new stands behind them (imports before). All others run one
  after another in one module, the page's. Functions ``test_...`` are called.
- ``python2`` is for the first Wallaroo. It makes files too, for the terminals that show what is said of them.
- ``go`` is part of an example in Go, where internal/command/docs_test.go finds it. One that begins with
  ``// NAME.go`` is that whole file, for the terminals, which build it.
- ``text`` is what the block before it prints, or the error that it ends with.
- ``console`` is a terminal: lines that begin with ``$`` are typed, the others are shown. One with a ``wallaroo run`` or
  ``wallaroo receive`` that is not put into the background, or one that has a program of the page's own do so (in
  Python, one with ``--listen``), goes on
  beside those after it, until a later section (``##``) has such ones again. Then it ends, the last one first: by
  itself, where it receives so many, or as by Ctrl-C, which ``^C`` may show. It may print more than is shown.

What is shown may be folded: an indented line may go on the one before. ``...`` stands for anything, inside a word for
the rest of the word.

test_docs.py runs the Python of the pages. ``python3 pages.py`` prints their terminals as JSON, which
internal/command/docs_test.go runs.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = ROOT / "docs" / "commands.md"
"""What the commands say of themselves: a page, but none that is written or run."""

_FENCE = re.compile(r"( *)(`{3,}|~{3,})(.*)")
_NAME = re.compile(r"(?:# (in )?(\w+\.py)|// (\w+\.go))\n")
_SERVER = re.compile(r"(?:\bwallaroo (?:run|receive)|\./\w+ (?:receive|--in)|\bpython3 \w+\.py --listen) .*\n")


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Attributes:
        page: the path of its page in the project.
        line: the number of its first line in the page.
        section: the last heading of the second level before it.
        kind: the word behind the fence.
        text: its lines.
    """

    page: str
    line: int
    section: str
    kind: str
    text: str

    @property
    def at(self) -> str:
        """Where it stands, as a compiler tells it."""
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it is or changes; None if it is Python of the page's own, part of an example, or no program."""
        match = _NAME.match(self.text)
        return (match[2] or match[3]) if match and self.kind in ("python", "python2", "go") else None

    def change(self, file: str | None) -> str:
        """What the file is with it."""
        match = _NAME.match(self.text)
        assert match is not None
        body = self.text[match.end() :].lstrip("\n")
        return merged(file or "", body) if match[1] else body


def pages() -> list[Path]:
    """The pages: README.md, and those in docs, but for its folders and COMMANDS."""
    return [ROOT / "README.md", *sorted({*(ROOT / "docs").glob("*.md")} - {COMMANDS})]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page.

    Raises:
        ValueError: a fence is indented, or has no end.
    """
    found: list[Block] = []
    section, kind, lines = "", None, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.fullmatch(line)
        if fence and (fence[1] or fence[2] != "```"):
            raise ValueError(f"{page}:{number}: a fence is three backticks at the beginning of a line")
        if fence and kind is None:
            kind, lines = fence[3].strip(), []
        elif fence and kind is not None:
            text = "".join(f"{each}\n" for each in lines)
            found.append(Block(str(page.relative_to(ROOT)), number - len(lines), section, kind, text))
            kind = None
        elif kind is not None:
            lines.append(line)
        elif line.startswith("## "):
            section = line
    if kind is not None:
        raise ValueError(f"{page}: a fence without an end")
    return found


def merged(file: str, change: str) -> str:
    """A Python file after a change: definitions in place of those of their names, new ones behind, imports before."""
    lines = file.splitlines()
    places = {name: (first, last) for name, first, last in _definitions(file)}
    imports, added = [], []
    replaced: list[tuple[int, int, list[str]]] = []
    for name, first, last in _definitions(change):
        text = change.splitlines()[first:last]
        if name in places:
            replaced.append((*places[name], text))
        elif name.startswith(("import ", "from ")):
            imports += text
        else:
            added += ["", "", *text]
    for first, last, text in sorted(replaced, reverse=True):
        lines[first:last] = text
    return "\n".join([*imports, *lines, *added]) + "\n"


def _definitions(program: str) -> Iterator[tuple[str, int, int]]:
    """The statements of a program: the name that each gives something, or the whole statement, and its lines."""
    for node in ast.parse(program).body:
        first = node.lineno
        name = ast.unparse(node)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            name = node.name
            first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
        elif isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
        elif isinstance(node, ast.AnnAssign):
            name = ast.unparse(node.target)
        assert node.end_lineno is not None
        yield name, first - 1, node.end_lineno


def pattern(shown: str) -> str:
    """What is shown, as a regular expression of Python's and of Go's."""
    parts: list[str] = []
    anything = True  # no space needs to come before what is next
    for line in shown.splitlines():
        for number, word in enumerate(line.split()):
            if word == "...":
                parts.append(r"(?s:.*)")
            elif anything:
                parts.append(_word(word))
            elif number > 0:
                parts.append(r" +" + _word(word))
            else:
                parts.append((r"\s+" if line.startswith(" ") else r" *\n\s*") + _word(word))
            anything = word == "..."
    return "".join(parts)


def _word(word: str) -> str:
    return r"\S*".join(re.escape(part) for part in word.split("..."))


def files(page: Path) -> dict[str, str]:
    """The files that a page makes, as it leaves them."""
    made: dict[str, str] = {}
    for block in blocks(page):
        if block.file is not None:
            made[block.file] = block.change(made.get(block.file))
    return made


@dataclass(frozen=True)
class Terminal:
    """A console block.

    Attributes:
        at: its page and line.
        files: those that the page has made so far, by name.
        script: what is typed.
        pattern: what must come of it.
        serves: whether it goes on while others do.
        ends: whether it ends by itself.
    """

    at: str
    files: dict[str, str]
    script: str
    pattern: str
    serves: bool
    ends: bool


def sessions(page: Path) -> list[list[Terminal]]:
    """The terminals of a page; those of one session go on side by side."""
    found: list[list[Terminal]] = []
    section = ""  # the one whose servers go on
    files: dict[str, str] = {}
    exports = ""  # typed once, they hold
    for block in blocks(page):
        if block.file is not None:
            files[block.file] = block.change(files.get(block.file))
        elif block.kind == "console":
            terminal = _terminal(block, dict(files), exports)
            exports += "".join(f"{line[2:]}\n" for line in block.text.splitlines() if line.startswith("$ export "))
            serves = _SERVER.search(block.text) is not None
            if not found or (serves and block.section != section):
                found.append([])
            section = block.section if serves else section
            found[-1].append(terminal)
    return found


def _terminal(block: Block, files: dict[str, str], exports: str) -> Terminal:
    lines = block.text.splitlines()
    if not lines[0].startswith("$ "):
        raise ValueError(f"{block.at}: a terminal begins with a line to type, which begins with $")
    script = "".join(f"{line[2:]}\n" for line in lines if line.startswith("$ "))
    shown = "".join(f"{line}\n" for line in lines if not line.startswith(("$ ", "^C")))
    serves = any(not server.endswith("&\n") for server in _SERVER.findall(script))
    return Terminal(block.at, files, exports + script, pattern(shown), serves, serves and "--count" in script)


def main() -> None:
    """Print the terminals of all pages."""
    found = {str(page.relative_to(ROOT)): sessions(page) for page in pages()}
    told = {page: [[asdict(each) for each in session] for session in of] for page, of in found.items()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
