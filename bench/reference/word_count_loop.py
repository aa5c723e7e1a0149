"""The word count as a plain Python socket loop: what Wallaroo's throughput is compared with.

It does by hand what the example application has Wallaroo do, with the example's own functions: one connection in, one
out, buffers of 64 KiB, state kept for each partition key. Output is written when it fills a buffer, and whenever there
is no more input to read.

    python3 bench/reference/word_count_loop.py --in 127.0.0.1:0 --out 127.0.0.1:7002

When it listens it says so on standard error, in the words of `wallaroo run`. It ends when its input ends.
"""

from __future__ import annotations

import argparse
import socket
import struct
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples/python/word_count"), str(ROOT / "python/src")]

import word_count  # noqa: E402

BUFFER = 64 << 10
HEADER = struct.Struct(">I")


def main() -> None:
    """Connect, listen for one sender, and count what it sends."""
    parser = argparse.ArgumentParser(description="The word count as a plain socket loop.")
    parser.add_argument("--in", dest="source", required=True, metavar="HOST:PORT", help="where to listen for frames")
    parser.add_argument("--out", dest="sink", required=True, metavar="HOST:PORT", help="where to send the counts")
    arguments = parser.parse_args()

    with socket.create_connection(address(arguments.sink)) as sink:
        sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with accept_one(address(arguments.source)) as source:
            count_words(source, sink)


def address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT."""
    host, _, port = text.rpartition(":")
    return host, int(port)


def accept_one(where: tuple[str, int]) -> socket.socket:
    """Listen, say where, and return the first connection."""
    with socket.create_server(where) as listener:
        host, port = listener.getsockname()
        ready = f'level=INFO msg=ready application="Word Count Loop" sources="loop={host}:{port}"'
        print(ready, file=sys.stderr, flush=True)
        return listener.accept()[0]


def count_words(source: socket.socket, sink: socket.socket) -> None:
    """Count the words of all frames that come, until the source ends."""
    # Local names are the fastest, and the bare functions leave out what a decorated one adds to a call.
    decode = word_count.decoder.function
    split = word_count.split.function
    partition = word_count.partition.function
    count_word = word_count.count_word.function
    encode = cast("Callable[[object], str]", word_count.encoder.function)
    length_of = HEADER.unpack_from
    header = HEADER.size

    states: defaultdict[object, word_count.WordTotals] = defaultdict(word_count.WordTotals)
    lines: list[str] = []
    add = lines.append
    output = b""
    rest = b""
    while True:
        try:
            data = source.recv(BUFFER, socket.MSG_DONTWAIT)
        except BlockingIOError:
            sink.sendall(output)
            output = b""
            data = source.recv(BUFFER)
        if not data:
            break

        buffer = rest + data
        start, end = header, len(buffer)
        while start <= end:
            (length,) = length_of(buffer, start - header)
            stop = start + length
            if stop > end:
                break
            for word in split(decode(buffer[start:stop])):
                result, _ = count_word(word, states[partition(word)])
                add(encode(result))
            start = stop + header
        rest = buffer[start - header :]

        output += "".join(lines).encode()
        lines.clear()
        if len(output) >= BUFFER:
            sink.sendall(output)
            output = b""
    sink.sendall(output)


if __name__ == "__main__":
    main()
