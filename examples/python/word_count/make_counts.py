"""Makes expected.txt: what the word count makes of text.txt.

python3 make_counts.py
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path


def main() -> None:
    folder = Path(__file__).parent
    text = (folder / "text.txt").read_text("utf-8").lower()
    counts: Counter[str] = Counter()
    expected = []
    for word in re.findall(r"[a-z0-9](?:[^\s]*[a-z0-9])?", text):
        counts[word] += 1
        expected.append(f"{word} => {counts[word]}\n")
    (folder / "expected.txt").write_text("".join(expected))


if __name__ == "__main__":
    main()
