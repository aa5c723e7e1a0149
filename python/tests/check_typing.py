"""Checks what mypy says of four programs: of typing/wrong.py what its comments demand, of the others nothing.

They are typing/right.py, typing/beyond.py with the mistakes that it cannot find, and the one that docs/python.md shows.

Run it by an interpreter that has mypy: ``python tests/check_typing.py``. It exits 0 if all is as demanded, else 1.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pages

TESTS = Path(__file__).resolve().parent
CONFIGURATION = TESTS.parent / "pyproject.toml"

_DEMAND = re.compile(r"# error: (.+)$")
_ERROR = re.compile(r".+?:(\d+): error: (.+)$")


def main() -> int:
    complaints = [each for name in ("right.py", "beyond.py", "wrong.py") for each in check(TESTS / "typing" / name)]
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "typed.py"
        shown.write_text(pages.files(pages.ROOT / "docs" / "python.md")[shown.name], encoding="utf-8")
        complaints += check(shown)
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


def check(path: Path) -> list[str]:
    """Where mypy's errors in a program differ from those its comments demand, a line each."""
    found = errors_in(path)
    complaints = []
    for number, demand in demands_of(path).items():
        error = found.pop(number, "no error")
        if demand not in error:
            complaints.append(f"{path}:{number}: demanded {demand!r}, got: {error}")
    return complaints + [f"{path}:{number}: not demanded: {error}" for number, error in found.items()]


def demands_of(path: Path) -> dict[int, str]:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return {number: match[1] for number, line in lines if (match := _DEMAND.search(line))}


def errors_in(path: Path) -> dict[int, str]:
    """The errors of mypy by line. Raises SystemExit if mypy could not do its work."""
    options = ["--follow-imports=silent", "--no-color-output", "--no-error-summary", f"--config-file={CONFIGURATION}"]
    command = [sys.executable, "-m", "mypy", *options, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent, check=False)
    if result.stderr:
        raise SystemExit(f"mypy did not run:\n{result.stderr}")
    errors: dict[int, str] = {}
    for match in map(_ERROR.match, result.stdout.splitlines()):
        if match:
            number = int(match[1])
            errors[number] = "; ".join([*([errors[number]] if number in errors else []), match[2]])
    return errors


if __name__ == "__main__":
    sys.exit(main())
