"""Standard output and error of an executor's process."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import unittest
from pathlib import Path

import wallaroo

PROGRAM = """
import logging, sys
from wallaroo._output import StandardOutput, flush_standard_output
output = StandardOutput()
with output.quiet():
    print("not printed")
    print("nor without an end", end="")
    print("not told", file=sys.stderr)
    kept = sys.stdout
    logging.basicConfig(format="%(message)s")
    logging.warning("not logged")
print("printed", file=kept)
print("told", file=sys.stderr)
logging.warning("logged")
sys.stdout.write("without an end")
flush_standard_output()
"""


class Quiet(unittest.TestCase):
    def test_what_is_written_meanwhile_goes_nowhere_and_who_kept_a_stream_is_heard_later(self) -> None:
        path = str(Path(wallaroo.__file__).parent.parent)
        program = f"import sys; sys.path.insert(0, {path!r})\n{textwrap.dedent(PROGRAM)}"
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual(result.stderr, "told\nlogged\n")
        self.assertEqual(result.stdout, "printed\nwithout an end")


if __name__ == "__main__":
    unittest.main()
