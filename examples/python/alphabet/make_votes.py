"""Makes the data of this example: votes.msg, which is sent, and expected.txt, what comes of it.

python3 make_votes.py
"""

from __future__ import annotations

import random
import string
import struct
from pathlib import Path

COUNT = 1000
MOST_VOTES = 9999


def main() -> None:
    folder = Path(__file__).parent
    chance = random.Random(2018)
    totals = dict.fromkeys(string.ascii_lowercase, 0)
    frames, expected = [], []
    for _ in range(COUNT):
        # random() gives the same numbers in every version of Python; choice() and randint() need not.
        letter = string.ascii_lowercase[int(26 * chance.random())]
        votes = 1 + int(MOST_VOTES * chance.random())
        totals[letter] += votes
        frames.append(struct.pack(">IsI", 5, letter.encode(), votes))
        expected.append(f"{letter} {totals[letter]}\n")
    (folder / "votes.msg").write_bytes(b"".join(frames))
    (folder / "expected.txt").write_text("".join(expected))


if __name__ == "__main__":
    main()
