"""Makes the data of this example: temperatures.msg, which is sent, and expected.txt, what comes of it.

python3 make_temperatures.py
"""

from __future__ import annotations

import struct
from pathlib import Path

COUNT = 100


def main() -> None:
    folder = Path(__file__).parent
    frames, expected = [], []
    for number in range(COUNT):
        frame = struct.pack(">If", 4, -40 + 1.4 * number)
        celsius = struct.unpack(">If", frame)[1]  # what 32 bits hold of it
        fahrenheit = struct.unpack(">f", struct.pack(">f", celsius * 1.8 + 32))[0]
        frames.append(frame)
        expected.append(f"{fahrenheit}\n")
    (folder / "temperatures.msg").write_bytes(b"".join(frames))
    (folder / "expected.txt").write_text("".join(expected))


if __name__ == "__main__":
    main()
